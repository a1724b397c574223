"""Reads and writes the history: nights, runs, verdicts, load summaries."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from seatrial.history import tables
from seatrial.model import Finding, Invalid, Level, Status, Verdict
from seatrial.run import counts


@dataclass(frozen=True, slots=True)
class Night:
    """One nightly run over several targets; `ended` is empty while it runs, and where it was interrupted."""

    id: int
    name: str
    started: str
    ended: str
    planned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One conformance run; exit code 3 and no verdicts where the target was down. `counts` as in results.json."""

    id: int
    night: int | None
    target: str
    base_url: str
    profile: str
    model: str
    started: str
    seatrial: str
    tier: str
    complete: bool
    exit_code: int
    seconds: float
    requests: int
    reason: str
    counts: Mapping[str, Mapping[str, int]]
    folder: str


@dataclass(frozen=True, slots=True)
class LoadRun:
    """One load test: `summary` is its load.json, `figures` each percentile as value, low, high (95 %)."""

    id: int
    night: int | None
    target: str
    base_url: str
    profile: str
    model: str
    started: str
    seatrial: str
    complete: bool
    exit_code: int
    summary: Mapping[str, Any]
    figures: Mapping[str, Sequence[float]]
    folder: str

    @property
    def state(self) -> str:
        """passed, failed (a request, or an SLO that was missed), or incomplete."""
        return {0: "passed", 1: "failed"}.get(self.exit_code, "incomplete")

    @property
    def missed(self) -> list[Mapping[str, Any]]:
        """The lines of the SLO that were missed."""
        return [row for row in self.summary.get("slo") or () if not row["held"]]


_RUN = "id, night, target, base_url, profile, model, started, seatrial, tier, complete, exit_code, seconds, requests, reason, counts, folder"
_LOAD = "id, night, target, base_url, profile, model, started, seatrial, complete, exit_code, summary, figures, folder"


def now() -> str:
    """The time, in UTC, as the history writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class History:
    """One history file. Every method raises Invalid where the file turns out to be damaged or in use."""

    def __init__(self, path: Path, create: bool = False) -> None:
        self.path = path
        self._connection = tables.connect(path, create)

    def __enter__(self) -> History:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing is written."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.DatabaseError):
                raise Invalid(str(self.path), "", f"cannot be written: {error}") from None
            raise

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise Invalid(str(self.path), "", f"cannot be read: {error}") from None

    def begin(self, name: str, planned: Iterable[str], started: str = "") -> int:
        """A new night; its id. Raises Invalid where there is one of that name."""
        if self._rows("SELECT 1 FROM nights WHERE name = ?", (name,)):
            raise Invalid(str(self.path), "", f"has a night {name} already")
        with self._change() as c:
            values = (name, started or now(), json.dumps(list(planned)))
            return int(c.execute("INSERT INTO nights (name, started, planned) VALUES (?, ?, ?)", values).lastrowid or 0)

    def end(self, night: int, ended: str = "") -> None:
        """The night is over, and was not interrupted."""
        with self._change() as c:
            c.execute("UPDATE nights SET ended = ? WHERE id = ?", (ended or now(), night))

    def nights(self) -> list[Night]:
        """All nights, in order."""
        rows = self._rows("SELECT id, name, started, coalesce(ended, ''), planned FROM nights ORDER BY id")
        return [Night(*row[:4], tuple(json.loads(row[4]))) for row in rows]  # type: ignore[call-arg]

    def add(
        self, results: Mapping[str, Any], target: str = "", folder: str = "", night: int | None = None
    ) -> int | None:
        """Takes in a run as results.json holds it; its id, or None where it is there already, or in one of the nights."""
        told = results["target"]
        verdicts = results["verdicts"]
        essence = [told, results["run"]["started"], [(v["id"], v["status"]) for v in verdicts]]
        name = target or told["base_url"]
        row = (
            night,
            name,
            told["base_url"],
            told["profile"],
            _sound(told["models"].get("default") or next(iter(told["models"].values()), "")),
            results["run"]["started"],
            results["seatrial"],
            results["run"]["tier"],
            results["complete"],
            results["run"]["exit_code"],
            results["seconds"],
            results["requests"],
            results["incomplete_reason"],
            json.dumps(results["requirements"]),
            folder,
            _digest([*essence, night and [name, night]]),
        )
        with self._change() as c:
            told_of = night is None and self._of_a_night(
                c, "runs", told["base_url"], results["run"]["started"], essence
            )
            found = None if told_of else self._run(c, row)
            if found is not None:
                c.executemany(
                    "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (
                            found,
                            self._requirement(c, v),
                            Status[v["status"].upper()].value,
                            v["known"],
                            v["exchange"],
                            said,
                        )
                        for v in verdicts
                        for said in (self._said(c, v),)
                    ],
                )
        return found

    def add_absent(self, target: Mapping[str, str], code: int, reason: str, night: int, folder: str = "") -> int | None:
        """Takes in that a target gave no run: down, its key refused, or cut off before its first verdict."""
        started = now()
        names = ("name", "url", "profile", "model")
        row = (night, *(target.get(name, "") for name in names), started, "", target.get("tier", ""), False, code)
        digest = _digest([target.get("name"), night, started, reason])
        with self._change() as c:
            return self._run(c, (*row, 0.0, 0, reason, json.dumps(counts(())), folder, digest))

    def _run(self, c: sqlite3.Connection, row: Sequence[Any]) -> int | None:
        if c.execute("SELECT 1 FROM runs WHERE digest = ?", (row[-1],)).fetchone():
            return None
        names = _RUN.removeprefix("id, ") + ", digest"
        marks = ", ".join("?" * len(row))
        return int(c.execute(f"INSERT INTO runs ({names}) VALUES ({marks})", row).lastrowid or 0)  # noqa: S608 - ours

    @staticmethod
    def _of_a_night(c: sqlite3.Connection, table: str, url: str, started: str, essence: list[Any]) -> bool:
        """Whether a night has taken in this run or load test: the digest of one that does is also of its night."""
        query = f"SELECT target, night, digest FROM {table} WHERE base_url = ? AND started = ? AND night IS NOT NULL"  # noqa: S608
        return any(row[2] == _digest([*essence, [row[0], row[1]]]) for row in c.execute(query, (url, started)))

    @staticmethod
    def _requirement(c: sqlite3.Connection, v: Mapping[str, Any]) -> int:
        names = ("id", "check", "scenario", "case", "area", "level", "requirement", "spec")
        values = [v[name] for name in names]
        found = c.execute(
            'SELECT id FROM requirements WHERE verdict = ? AND "check" = ? AND scenario = ? AND "case" = ? AND area = ?'
            " AND level = ? AND requirement = ? AND spec = ?",
            values,
        ).fetchone()
        if found:
            return int(found[0])
        made = c.execute(
            'INSERT INTO requirements (verdict, "check", scenario, "case", area, level, requirement, spec)'
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        return int(made.lastrowid or 0)

    @staticmethod
    def _said(c: sqlite3.Connection, v: Mapping[str, Any]) -> int | None:
        """The reason and findings, each text kept once: most failures say the same every night."""
        if not v["reason"] and not v["findings"]:
            return None
        # Lone surrogates have no UTF-8, and so no place in SQLite, but they have an escape.
        text = json.dumps([v["reason"], [[f["expected"], f["actual"], f["where"]] for f in v["findings"]]])
        c.execute("INSERT OR IGNORE INTO texts (text) VALUES (?)", (text,))
        return int(c.execute("SELECT id FROM texts WHERE text = ?", (text,)).fetchone()[0])

    def add_load(
        self,
        summary: Mapping[str, Any],
        figures: Mapping[str, Sequence[float]],
        target: str = "",
        folder: str = "",
        night: int | None = None,
        exit_code: int = 0,
    ) -> int | None:
        """Takes in a load test; its id, or None where it is there already, or in one of the nights."""
        told = summary["target"]
        kept = {name: value for name, value in summary.items() if name not in ("series", "levels")}
        started = summary.get("started", "")
        essence = [told, started, summary["requests"], summary["latency_ms"]]
        row = (
            night,
            target or told["base_url"],
            told["base_url"],
            summary["profile"],
            _sound(told["model"]),
            started,
            summary["seatrial"],
            summary["complete"],
            exit_code,
            json.dumps(kept),
            json.dumps(figures),
            folder,
            _digest([*essence, night and [target, night]]),
        )
        with self._change() as c:
            if c.execute("SELECT 1 FROM loads WHERE digest = ?", (row[-1],)).fetchone():
                return None
            if night is None and self._of_a_night(c, "loads", told["base_url"], started, essence):
                return None
            names = _LOAD.removeprefix("id, ") + ", digest"
            marks = ", ".join("?" * len(row))
            return int(c.execute(f"INSERT INTO loads ({names}) VALUES ({marks})", row).lastrowid or 0)  # noqa: S608

    def runs(self, target: str | None = None, night: int | None = None, most: int | None = None) -> list[RunRow]:
        """The newest `most` runs, of a target or a night where one is given, the oldest of them first."""
        where = [(f"{name} = ?", value) for name, value in (("target", target), ("night", night)) if value is not None]
        clause = (" WHERE " + " AND ".join(part for part, _ in where)) if where else ""
        query = f"SELECT {_RUN} FROM runs{clause} ORDER BY started DESC, id DESC LIMIT ?"  # noqa: S608 - ours
        rows = self._rows(query, [*(value for _, value in where), most if most is not None else -1])
        return [_run(row) for row in reversed(rows)]

    def run(self, id: int) -> RunRow:
        """The run of that id. Raises Invalid where there is none."""
        found = self._rows(f"SELECT {_RUN} FROM runs WHERE id = ?", (id,))  # noqa: S608 - ours
        if not found:
            raise Invalid(str(self.path), "", f"has no run {id}")
        return _run(found[0])

    def verdicts(self, run: int) -> tuple[Verdict, ...]:
        """The verdicts of a run, in the order in which requirements were first seen."""
        rows = self._rows(
            'SELECT r.verdict, r."check", r.scenario, r."case", r.area, r.level, v.status, r.requirement, r.spec,'
            " v.exchange, t.text, v.known FROM verdicts v JOIN requirements r ON r.id = v.requirement"
            " LEFT JOIN texts t ON t.id = v.said WHERE v.run = ? ORDER BY v.requirement",
            (run,),
        )
        return tuple(_verdict(row) for row in rows)

    def past(self, runs: Sequence[int]) -> dict[str, list[Status]]:
        """Of each verdict that failed in one of these runs: its statuses over them, in their order."""
        marks = ", ".join("?" * len(runs))
        rows = self._rows(
            "SELECT r.verdict, v.run, v.status FROM verdicts v JOIN requirements r ON r.id = v.requirement"  # noqa: S608
            f" WHERE v.run IN ({marks}) AND v.requirement IN"
            f" (SELECT requirement FROM verdicts WHERE run IN ({marks}) AND status = {Status.FAIL.value})",
            [*runs, *runs],
        )
        order = {run: index for index, run in enumerate(runs)}
        table: dict[str, list[tuple[int, Status]]] = {}
        for id, run, status in rows:
            table.setdefault(id, []).append((order[run], Status(status)))
        return {id: [status for _, status in sorted(seen, key=lambda pair: pair[0])] for id, seen in table.items()}

    def tell(self, run: int, since: int | None, told: Any) -> None:
        """Keeps what changed in a run since an earlier one; None where there is none to compare with."""
        with self._change() as c:
            c.execute("INSERT OR REPLACE INTO changes VALUES (?, ?, ?)", (run, since, json.dumps(told)))

    def told(self, run: int) -> tuple[int | None, list[dict[str, Any]]]:
        """What changed in that run, as it was kept: since which run, and what; (None, []) where nothing was kept."""
        rows = self._rows("SELECT since, told FROM changes WHERE run = ?", (run,))
        return (rows[0][0], json.loads(rows[0][1])) if rows else (None, [])

    def untold(self) -> list[int]:
        """The runs of nights of which it is not kept what changed, in order."""
        query = "SELECT id FROM runs WHERE night IS NOT NULL AND id NOT IN (SELECT run FROM changes) ORDER BY id"
        return [id for (id,) in self._rows(query)]

    def loads(self, target: str | None = None, night: int | None = None) -> list[LoadRun]:
        """All load tests, of a target or a night where one is given, the oldest first."""
        where = [(f"{name} = ?", value) for name, value in (("target", target), ("night", night)) if value is not None]
        clause = (" WHERE " + " AND ".join(part for part, _ in where)) if where else ""
        query = f"SELECT {_LOAD} FROM loads{clause} ORDER BY started, id"  # noqa: S608 - ours
        rows = self._rows(query, [value for _, value in where])
        return [LoadRun(*row[:8], bool(row[8]), row[9], *map(json.loads, row[10:12]), row[12]) for row in rows]  # type: ignore[call-arg]


def _run(row: Sequence[Any]) -> RunRow:
    return RunRow(*row[:9], bool(row[9]), *row[10:14], json.loads(row[14]), row[15])  # type: ignore[call-arg]


def _verdict(row: Sequence[Any]) -> Verdict:
    id, check, scenario, case, area, level, status, requirement, spec, exchange, text, known = row
    reason, findings = json.loads(text) if text else ("", [])
    return Verdict(
        id,
        check,
        scenario,
        case,
        area,
        Level(level),
        Status(status),
        requirement,
        spec,
        exchange,
        reason,
        tuple(Finding(*finding) for finding in findings),
        bool(known),
    )


def _sound(text: str) -> str:
    """The text as UTF-8 can hold it: a server may list a model by half an emoji."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()
