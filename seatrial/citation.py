"""Resolves citations such as `openai#/components/schemas/Model` to URLs, by `schemas/specs.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from seatrial import files, home
from seatrial.capability import unknown
from seatrial.model import Invalid


@cache
def _specs() -> Mapping[str, Mapping[str, Any]]:
    table: Mapping[str, Mapping[str, Any]] = files.read(home.folder("schemas") / "specs.yaml").data["specs"]
    return table


def title(name: str) -> str:
    """The title, version and date of the specification of that short name. Raises KeyError."""
    return str(_specs()[name]["title"])


@cache
def url(at: str) -> str:
    """The URL of a citation `name#fragment`. Raises Invalid where specs.yaml cannot resolve it."""
    name, hash_, fragment = at.partition("#")
    if name not in _specs():
        raise Invalid(at, "", unknown("specification", name, _specs()))
    spec = _specs()[name]
    if not hash_:
        if "home" not in spec:
            raise Invalid(at, "", f"a citation of {name} needs a fragment after #")
        return str(spec["home"])
    for prefix, endings in spec.get("fragments", {}).items():
        if fragment.startswith(prefix) and fragment.removeprefix(prefix) in endings:
            return str(spec["url"]).format(fragment=fragment)
    hit = re.fullmatch(spec["pattern"], fragment) if "pattern" in spec else None
    if hit is None:
        listed = [prefix + ending for prefix, endings in spec.get("fragments", {}).items() for ending in endings]
        raise Invalid(at, "", unknown(f"place in {name}", fragment, listed))
    return str(spec["url"]).format(fragment=fragment, **hit.groupdict())
