"""seatrial: conformance and load testing for OpenAI-compatible LLM backends."""

from seatrial.model import (
    MAY,
    MUST,
    SHOULD,
    Event,
    Exchange,
    Finding,
    Invalid,
    Level,
    Status,
    Unreachable,
    Verdict,
)

__version__ = "0.1.0"

__all__ = [
    "MAY",
    "MUST",
    "SHOULD",
    "Event",
    "Exchange",
    "Finding",
    "Invalid",
    "Level",
    "Status",
    "Unreachable",
    "Verdict",
    "__version__",
]
