"""The targets file: what is tested each night, and the commands that do it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from seatrial import baseline, files, home, profile, session
from seatrial.capability import unknown
from seatrial.files import Source
from seatrial.model import Invalid
from seatrial.scenario import Catalog
from seatrial.session import Options


@dataclass(frozen=True, slots=True)
class Tested:
    """One target of a night, as its file says."""

    name: str
    url: str
    key: str = "OPENAI_API_KEY"
    profile: str = "openai-compatible"
    models: tuple[str, ...] = ()
    tier: str = "nightly"
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    jobs: int = 1
    max_requests: int | None = None
    scenarios: str | None = None
    baseline: str | None = None
    strict: bool = False
    load: Mapping[str, Any] | None = None

    @property
    def slug(self) -> str:
        """The name as part of a file's name."""
        return slug(self.name)

    def check(self, out: Path) -> list[str]:
        """The words of `seatrial check` that test it."""
        flags: dict[str, Any] = {
            "--api-key-env": (self.key,),
            "--profile": (self.profile,),
            "--tier": (self.tier,),
            "--jobs": (self.jobs,),
            "--out": (out,),
            "--model": self.models,
            "--only": self.only,
            "--skip": self.skip,
            "--max-requests": (self.max_requests,),
            "--scenarios": (self.scenarios,),
            "--baseline": (self.baseline,),
        }
        words = [f"{flag}={value}" for flag, values in flags.items() for value in values if value is not None]
        return ["check", self.url, *words, *(["--strict"] if self.strict else [])]

    def load_test(self, out: Path) -> list[str]:
        """The words of `seatrial load` that measure it."""
        given = dict(self.load or {})
        words = [f"--{name}={value}" for name, value in given.items() if name != "profile"]
        return ["load", given["profile"], self.url, f"--api-key-env={self.key}", f"--out={out}", *words]


@dataclass(frozen=True, slots=True)
class Targets:
    """A targets file: the title and address of the site, and the targets in order."""

    title: str
    url: str
    tested: tuple[Tested, ...]


def slug(name: str) -> str:
    """The name in lower case, with nothing but letters, digits, dots, dashes and underscores."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.") or "x"


def load(path: Path) -> Targets:
    """The targets of a file, with everything it names found. Raises Invalid with file and line."""
    source = files.read(path, "targets.schema.json")
    data: dict[str, Any] = source.data
    tested: dict[str, Tested] = {}
    for index, row in enumerate(data["targets"]):
        at = f"/targets/{index}"
        one = _tested(row, path.parent)
        if one.slug in tested:
            raise source.invalid(f"{at}/name", f"two targets are named {one.name}")
        _found(source, at, one)
        tested[one.slug] = one
    return Targets(data.get("title", "Nightly"), data.get("url", "").rstrip("/"), tuple(tested.values()))


@cache
def _catalog(scenarios: str | None) -> Catalog:
    return session.catalog(Options("", tier="nightly", scenarios=scenarios))


def _tested(row: Mapping[str, Any], folder: Path) -> Tested:
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    for name in ("baseline", "scenarios"):
        if name in given:
            given[name] = str(folder / given[name])
    if str(given.get("profile", "")).endswith((".yaml", ".yml")):
        given["profile"] = str(folder / given["profile"])
    if given.get("load"):
        given["load"] = dict(given["load"])
        for name in ("slo", "workload", "queue", "profile"):
            value = str(given["load"].get(name, ""))
            if value.endswith((".yaml", ".yml", ".py", ".jsonl")):
                given["load"][name] = str(folder / value)
    return Tested(**given)


def _found(source: Source, at: str, one: Tested) -> None:
    """Everything that a run of its own would refuse is refused here, by the line that names it."""

    def say(name: str, error: Invalid) -> Invalid:
        return source.invalid(f"{at}/{name}", f"{error.where}: {error.message}" if error.line is None else str(error))

    options = Options(
        one.url, profile=one.profile, tier=one.tier, only=one.only, skip=one.skip, scenarios=one.scenarios
    )
    try:
        profile.base_url(one.url)
    except Invalid as error:
        raise say("url", error) from None
    try:
        profile.load(one.profile, options.folder)
    except Invalid as error:
        raise say("profile", error) from None
    try:
        session.select(_catalog(one.scenarios), options)
    except Invalid as error:
        raise say({"--tier": "tier", "--only": "only", "--skip": "skip"}.get(error.where, "scenarios"), error) from None
    try:
        baseline.excused(one.baseline, None)
    except Invalid as error:
        raise say("baseline", error) from None
    if one.load is not None:
        from seatrial.load import slo

        names = sorted(path.stem for path in home.folder("locustfiles").glob("*.py"))
        if one.load["profile"] not in names and not Path(one.load["profile"]).is_file():
            raise source.invalid(f"{at}/load/profile", unknown("load profile", one.load["profile"], names))

        try:
            if "slo" in one.load:
                slo.load(one.load["slo"])
        except Invalid as error:
            raise say("load/slo", error) from None
