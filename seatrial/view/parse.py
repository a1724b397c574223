"""Reads JSON as RFC 8259 has it."""

from __future__ import annotations

import json
from typing import Any


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def strict_json(text: str | bytes) -> Any:
    """The document. Raises ValueError for NaN and Infinity, for bytes that are not UTF-8, and for what is too deep."""
    try:
        return json.loads(text.decode("utf-8") if isinstance(text, bytes) else text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
