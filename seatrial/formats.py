"""The number of a file's format: what was written by a newer seatrial is refused in a sentence, and left as it is."""

from __future__ import annotations

from typing import Any

from seatrial import __version__
from seatrial.model import Invalid


def hold(path: object, given: Any, known: int = 1) -> None:
    """Raises Invalid where `given` is not the number of the format that is known here, saying which side is older."""
    if isinstance(given, bool) or not isinstance(given, int):
        raise Invalid(str(path), "/format", "has no format number, so it is no file of seatrial")
    if given != known:
        age = "newer than" if given > known else "older than what"
        raise Invalid(str(path), "/format", f"format {given} is {age} seatrial {__version__} knows ({known})")
