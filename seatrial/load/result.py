"""The files of a load test: `requests.jsonl` as it goes on, `load.json` at its end, the reports."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from seatrial import __version__, secret
from seatrial.load.measure import Group
from seatrial.load.queue import ledger
from seatrial.load.record import Record
from seatrial.model import Invalid

if TYPE_CHECKING:
    from seatrial.load.session import Session


class Sink:
    """`requests.jsonl` of a run: a line for each request, on disk within a second or two of its end."""

    def __init__(self, out: str | None, profile: str) -> None:
        self.folder = Path(out) if out else Path("results") / f"{time.strftime('%Y%m%d-%H%M%S')}-load-{profile}"
        if (self.folder / "requests.jsonl").exists():
            raise Invalid("--out", "", f"{self.folder} holds a run already")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file: int | None = os.open(self.folder / "requests.jsonl", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self._lines: list[bytes] = []

    def line(self, row: Record) -> None:
        """Takes a record; it is written by the next flush."""
        self._lines.append(orjson.dumps(row))

    def flush(self) -> None:
        """Writes every line. Raises OSError, after which nothing more is written."""
        if not self._lines or self._file is None:
            return
        data = memoryview(b"\n".join(self._lines) + b"\n")
        self._lines = []
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            os.close(self._file)
            self._file = None
            raise OSError(error.errno, error.strerror, str(self.folder / "requests.jsonl")) from None


def summary(session: Session) -> dict[str, Any]:
    """The object of `load.json` (schemas/load.schema.json)."""
    measure, profile = session.measure, session.profile
    total = measure.total()
    by = measure.by(0)
    complete = not (session.interrupted or session.fault or session.lost_workers or session.aborted)
    source = max(total.tokens_from, key=lambda name: total.tokens_from[name]) if total.tokens_from else "none"
    phases = measure.by(1) if profile.phases_matter else {}
    found: dict[str, Any] = {
        "format": 1,
        "seatrial": __version__,
        "complete": complete,
        "profile": profile.name,
        "title": profile.title,
        "target": {
            "base_url": f"{session.address.scheme}://{session.address.authority}{session.address.path}",
            "model": session.options.model,
        },
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(session.started_at)),
        "duration_s": round(measure.seconds(), 3),
        "options": _options(session),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "requests": {
            "sent": total.sent,
            "ok": total.ok,
            "failed": total.failed,
            "unfinished": total.unfinished,
            "warmup": measure.warmup.sent,
        },
        "reconnects": total.reconnected,
        "errors": dict(total.errors.most_common()),
        "odd": dict(total.odd.most_common()),
        "latency_ms": total.latency(),
        "throughput": measure.throughput(total),
        "tokens": {name: total.tokens[name] for name in sorted(total.tokens) if name != "streamed"},
        "tokens_from": source,
        "tokens_per_event": round(total.tokens["streamed"] / total.events, 3) if total.events else 0,
        "client": session.audit.summary(total, profile.open),
        "slo": session.slo.verdicts(measure),
        "goodput": dict(session.slo.goodput),
        "scenarios": {n: _group(g, measure.throughput(g, n)) for n, g in sorted(by.items())},
        "phases": {n: _group(g, measure.throughput(g, None, n)) for n, g in phases.items()},
        "distribution": total.distribution(),
        "series": {"width_s": measure.width, **measure.series()},
    }
    if session.interrupted:
        found["incomplete"] = "interrupted"
    elif session.aborted:
        found["incomplete"] = f"stopped because the SLO cannot hold: {session.aborted}"
    elif session.fault:
        found["incomplete"] = session.fault
    elif session.lost_workers:
        found["incomplete"] = f"lost workers: {', '.join(session.lost_workers)}"
    if session.jobs is not None:
        told = [extra["queue"]["told"] for extra in session.extras.values()] or [session.extra["queue"]["told"]]
        found["queue"] = ledger.total(session.jobs.pattern.name, told, session.jobs.second_executions())
        batch, rate = session.jobs.pattern.batch, found["throughput"]["requests_per_s"]
        found["throughput"]["jobs_per_s"] = round(rate * batch["size"], 3) if batch else rate
    return found


def _group(group: Group, throughput: dict[str, float]) -> dict[str, Any]:
    return {
        "requests": {"sent": group.sent, "ok": group.ok, "failed": group.failed, "unfinished": group.unfinished},
        "errors": dict(group.errors.most_common()),
        "latency_ms": group.latency(),
        "throughput": throughput,
    }


def _options(session: Session) -> dict[str, Any]:
    options = session.options
    chosen = {
        "users": max((phase.users for phase in session.phases), default=0),
        "rate": max((phase.rate for phase in session.phases), default=0.0),
        "arrivals": options.arrivals if session.profile.open else None,
        "warmup_s": round(sum(phase.seconds for phase in session.phases if not phase.counted), 3),
        "requests": session.quota,
        "workload": session.workload.name,
        "seed": options.seed,
        "reuse": not options.no_reuse,
        "extra_body": options.extra or None,
        "workers": options.workers,
        "limits_s": {
            "connect": options.connect_timeout,
            "first": options.first_timeout,
            "idle": options.idle_timeout,
            "total": options.timeout,
        },
    }
    return {name: value for name, value in chosen.items() if value is not None}


def write(session: Session) -> Path:
    """Writes `load.json`, `kept.jsonl` with what the checks say of it, and every report of a load test; the folder."""
    if session.sink is None:
        raise OSError("nothing was started")
    folder = session.sink.folder
    found = summary(session)
    contract = _judge(session, folder)
    if contract is not None:
        found["contract"] = contract
    found["calibration"] = calibration()
    _write(folder / "load.json", json.dumps(found, indent=1, ensure_ascii=False).encode() + b"\n")
    from seatrial.loading import report_formats

    for module in report_formats("load_").values():
        if module.FILE:
            module.write(found, folder)
    return folder


def _judge(session: Session, folder: Path) -> dict[str, Any] | None:
    keep = session.keep
    if not keep.rows:
        return None
    head = {"steps": {ask.name: ask.step for ask in session.profile.asks}, "passed_over": keep.passed_over}
    _write(folder / "kept.jsonl", b"".join(orjson.dumps(row) + b"\n" for row in [head, *keep.rows]))
    arguments = [sys.executable, "-m", "seatrial.load.judged", str(folder)]
    bare = secret.without("OPENAI_API_KEY", session.options.api_key_env)  # judging needs no key
    try:
        done = subprocess.run(arguments, capture_output=True, timeout=300, check=False, env=bare)
    except subprocess.TimeoutExpired:
        return {"judged": 0, "error": "judging took more than 300 s"}
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return {"judged": 0, "error": said[-1] if said else f"ended with code {done.returncode}"}
    found: dict[str, Any] = json.loads((folder / "contract.json").read_text("utf-8"))
    return found


def _write(path: Path, data: bytes) -> None:
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(data)
    part.replace(path)


def calibration_path() -> Path:
    """Where the figures of `seatrial calibrate` lie for this machine."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(base) / "seatrial" / "calibration.json"


def calibration() -> dict[str, Any] | None:
    """What is known of this client's accuracy on this machine, or None."""
    try:
        found: dict[str, Any] = json.loads(calibration_path().read_text("utf-8"))
        return found["summary"] if found.get("format") == 1 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
