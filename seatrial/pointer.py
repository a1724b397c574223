"""JSON Pointers (RFC 6901)."""

from __future__ import annotations

from typing import Any


def pointer(parts: Any) -> str:
    """The pointer of path elements; the whole document is the empty string."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
