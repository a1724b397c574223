"""How much memory a JSON text would take once it is read: a short text can be a very large object."""

from __future__ import annotations

LIGHT = 4 << 20
"""A text shorter than this is never too heavy."""
MOST = 130 << 20


def too_heavy(text: bytes | bytearray) -> bool:
    """Whether reading this text may take more than 130 MiB.

    Counts what objects, lists, members and items cost in CPython, at their worst. Half a million floats weigh little;
    two million empty lists do not.
    """
    if len(text) < LIGHT:
        return False
    items, members = text.count(b","), text.count(b":")
    lists, objects = text.count(b"["), text.count(b"{")
    return items * 40 + members * 110 + lists * 64 + objects * 72 > MOST
