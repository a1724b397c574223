"""Loads scenario files: operations by id, scenarios by id, every reference and citation resolved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial import citation, files, home, schema
from seatrial.capability import require_known, unknown
from seatrial.model import Case, Citation, Invalid, Level, Operation, Scenario, Step
from seatrial.pointer import pointer

TIERS = ("smoke", "gate", "nightly")
_REFERENCE = re.compile(r"^\$(inputs|steps|target|response)\b")


@dataclass(frozen=True, slots=True)
class Catalog:
    """All operations and scenarios that were loaded."""

    operations: Mapping[str, Operation]
    scenarios: Mapping[str, Scenario]

    def cases(self, tier: str = "nightly") -> Iterator[Case]:
        """Every case up to and including the tier, in the order of the files."""
        for scenario in self.scenarios.values():
            if TIERS.index(scenario.tier) <= TIERS.index(tier):
                yield from ([Case(scenario, row) for row in scenario.inputs] if scenario.inputs else [Case(scenario)])

    def plus(self, more: Iterable[Scenario]) -> Catalog:
        """This catalog with further scenarios."""
        return Catalog(self.operations, {**self.scenarios, **{scenario.id: scenario for scenario in more}})


def paths(folder: Path | None = None) -> list[Path]:
    """The scenario files that belong to the project, then those of the user's folder."""
    own = sorted(home.folder("scenarios").glob("*.yaml"))
    if folder is None:
        return own
    if not folder.is_dir():
        raise Invalid(str(folder), "", "is not a folder")
    inner = folder / "scenarios"
    return own + sorted((inner if inner.is_dir() else folder).glob("*.yaml"))


def load(files_: Iterable[Path], known: Mapping[str, Operation] | None = None, schemas_hold: bool = False) -> Catalog:
    """The catalog of these files; `known` are operations declared elsewhere.

    Raises Invalid at the first thing that is wrong, with file, line and pointer. Half of the time goes into holding the
    files to their JSON Schema, and the schemas in them to theirs: with `schemas_hold` the caller knows that they do.
    """
    sources = [files.read(path, None if schemas_hold else "scenario.schema.json") for path in files_]
    operations: dict[str, Operation] = dict(known or {})
    for source in sources:
        for id, row in source.data.get("operations", {}).items():
            if id in operations:
                raise source.invalid(f"/operations/{id}", f"the operation {id} is declared in another file too")
            operations[id] = _operation(source, id, row)
    scenarios: dict[str, Scenario] = {}
    for source in sources:
        for id, row in source.data.get("scenarios", {}).items():
            if id in scenarios:
                raise source.invalid(f"/scenarios/{id}", f"the scenario {id} is in {scenarios[id].source} too")
            scenarios[id] = _scenario(source, id, row, operations)
            if not schemas_hold:
                _check_schemas(source, f"/scenarios/{id}", row)
    return Catalog(operations, scenarios)


def written(folder: Path | None, case: str, step: str = "") -> tuple[str, str]:
    """Where the step of a case (without one: the whole scenario) is written, as `file:line`, and its YAML.

    The case's row of inputs comes first. Two empty texts where it is written nowhere, as when the files have changed.
    """
    id, _, row = case.partition("[")
    try:
        places = paths(folder)
    except Invalid:
        places = paths()
    for path in places:
        whole = ["scenarios", id]
        parts = [[*whole, "steps", step], [*whole, "finally", step]] if step else [whole]
        found = [(line, text) for line, text in (files.passage(path, keys) for keys in parts) if text]
        if found:
            inputs = files.passage(path, [*whole, "inputs", row.removesuffix("]")])[1] if row and step else ""
            return f"{path.name}:{found[0][0]}", f"# inputs\n{inputs}\n\n{found[0][1]}" if inputs else found[0][1]
    return "", ""


def _operation(source: files.Source, id: str, row: Mapping[str, Any]) -> Operation:
    at = f"/operations/{id}"
    method, _, path = row["call"].partition(" ")
    named = [row["request"]] if "request" in row else []
    named += [name for media in row.get("responses", {}).values() for name in media.values()]
    for name in named:
        if not schema.known(name):
            raise source.invalid(at, f"there is no schema {name!r} in schemas/")
    responses = {str(status): media for status, media in row.get("responses", {}).items()}
    return Operation(id, method, path, row.get("request"), responses)


def _scenario(source: files.Source, id: str, row: Mapping[str, Any], operations: Mapping[str, Operation]) -> Scenario:
    at = f"/scenarios/{id}"
    row = _with_assets(source, at, row)
    spec = tuple(_citation(source, f"{at}/spec/{index}", cited) for index, cited in enumerate(row["spec"]))
    require_known(row.get("needs", ()), source, f"{at}/needs")
    inputs = row.get("inputs", {})
    steps: list[Step] = []
    for part in ("steps", "finally"):
        for index, step in enumerate(row.get(part, ())):
            place = f"{at}/{part}/{index}"
            if any(step["id"] == other.id for other in steps):
                raise source.invalid(f"{place}/id", f"the step {step['id']} is there already")
            steps.append(_step(source, place, step, operations, steps, inputs))
    split = len(row["steps"])
    return Scenario(
        id=id,
        title=row["title"],
        area=row.get("area") or source.data["title"].lower(),
        family=row.get("family") or source.data.get("family", "chat"),
        source=source.path.name,
        spec=spec,
        needs=tuple(row.get("needs", ())),
        tier=row.get("tier", "gate"),
        inputs=inputs,
        steps=tuple(steps[:split]),
        cleanup=tuple(steps[split:]),
    )


def _citation(source: files.Source, at: str, row: Mapping[str, Any]) -> Citation:
    try:
        return Citation(row["at"], citation.url(row["at"]), row.get("quote", ""))
    except Invalid as error:
        raise source.invalid(f"{at}/at", error.message) from error


def _step(
    source: files.Source,
    at: str,
    row: Mapping[str, Any],
    operations: Mapping[str, Operation],
    earlier: list[Step],
    inputs: Mapping[str, Mapping[str, Any]],
) -> Step:
    if row["operation"] not in operations:
        raise source.invalid(f"{at}/operation", unknown("operation", row["operation"], operations))
    outputs = {step.id: set(step.outputs) for step in earlier}
    for place, text in _references(row, at):
        _check_reference(source, place, text, outputs, inputs)
    expect = {level: row[level.lower()] for level in Level if level.lower() in row}
    call = {
        key: row[key]
        for key in (
            "parameters",
            "query",
            "headers",
            "auth",
            "body",
            "raw",
            "form",
            "family",
            "merge",
            "drop",
            "poll",
            "walk",
            "pause",
            "address",
        )
        if key in row
    }
    return Step(row["id"], operations[row["operation"]], call, expect, row.get("outputs", {}), row.get("probe", False))


def _with_assets(source: files.Source, at: str, value: Any) -> Any:
    """The value with each file's `asset` as a path into the folder `assets` beside the scenarios."""
    if isinstance(value, list):
        return [_with_assets(source, f"{at}/{index}", item) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if {"file", "asset"} <= value.keys():
        path = source.path.parent / "assets" / str(value["asset"])
        if path.name != value["asset"] or not path.is_file():
            raise source.invalid(f"{at}/asset", f"there is no file {value['asset']!r} in {path.parent}")
        return {**value, "asset": str(path)}
    return {key: _with_assets(source, at + pointer([key]), item) for key, item in value.items()}


def _references(value: Any, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if _REFERENCE.match(value):
            yield at, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _references(item, at + pointer([key]))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, f"{at}/{index}")


def _check_reference(
    source: files.Source, at: str, text: str, outputs: Mapping[str, set[str]], inputs: Mapping[str, Mapping[str, Any]]
) -> None:
    name, _, rest = text.partition("#")[0].partition(".")
    if name == "$inputs":
        lacking = [row for row, values in inputs.items() if rest not in values]
        if not inputs or lacking:
            raise source.invalid(at, f"{text}: no such input" + (f" in row {lacking[0]}" if lacking else ""))
    elif name == "$steps":
        step, _, output = rest.partition(".outputs.")
        if step not in outputs:
            raise source.invalid(at, f"{text}: there is no earlier step {step!r}")
        if output not in outputs[step]:
            raise source.invalid(at, f"{text}: the step {step} has no output {output!r}")
    elif name == "$target" and rest not in ("model", "image_url", "owner") and not rest.startswith("models."):
        raise source.invalid(at, f"{text}: a target has model, models.FAMILY, image_url and owner")


def _check_schemas(source: files.Source, at: str, row: Mapping[str, Any]) -> None:
    for part in ("steps", "finally"):
        for index, step in enumerate(row.get(part, ())):
            for level in Level:
                expected = step.get(level.lower(), {})
                for place, document in _schemas(expected, f"{at}/{part}/{index}/{level.lower()}"):
                    if wrong := schema.check_schema(document):
                        raise source.invalid(place, f"is not a JSON Schema: {wrong}")


def _schemas(expected: Mapping[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    groups = [("headers", expected.get("headers", {})), ("body", expected.get("body", {}))]
    groups += [
        (f"stream/{part}", table) for part, table in expected.get("stream", {}).items() if isinstance(table, dict)
    ]
    for part, table in groups:
        for key, document in table.items():
            if not isinstance(document, str) and not list(_references(document, "")):
                yield f"{at}/{part}" + pointer([key]), document
