"""Fine-tuning: what a job says of itself in each state, and that it goes forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_JOB = "openai#/components/schemas/FineTuningJob"
_REQUEST = "openai#/components/schemas/CreateFineTuningJobRequest/properties/"
_STEPS = ("cancelFineTuningJob", "pauseFineTuningJob", "resumeFineTuningJob")
_JOBS = ("createFineTuningJob", "retrieveFineTuningJob", "listPaginatedFineTuningJobs", *_STEPS)
_ENDED = ("succeeded", "failed", "cancelled")
_ORDER = ("validating_files", "queued", "running", "succeeded")


def _answers(*operations: str) -> Callable[[Exchange], bool]:
    return lambda exchange: exchange.operation.id in operations and view.is_ok(exchange)


_tells_of_jobs = _answers(*_JOBS)


@check("tuning.unfinished", level=MUST, applies=_tells_of_jobs, spec=_JOB + "/properties/finished_at")
def unfinished(exchange: Exchange) -> Iterator[Finding]:
    """A job that has not ended has no fine-tuned model, no end and no count of trained tokens."""
    for where, job in view.kept(exchange):
        if job.get("status") not in (*_ORDER[:-1], "paused"):
            continue
        for name in ("fine_tuned_model", "finished_at", "trained_tokens"):
            if job.get(name) is not None:
                yield Finding(f"null while {job.get('status')}", repr(job[name])[:80], f"{where}/{name}")


@check("tuning.finished", level=MUST, applies=_tells_of_jobs, spec=_JOB + "/properties/fine_tuned_model")
def finished(exchange: Exchange) -> Iterator[Finding]:
    """A job that succeeded names its model, and says when it ended: not before it was made."""
    for where, job in view.kept(exchange):
        if job.get("status") != "succeeded":
            continue
        if not isinstance(job.get("fine_tuned_model"), str) or not job["fine_tuned_model"]:
            yield Finding("the name of a model", repr(job.get("fine_tuned_model")), where + "/fine_tuned_model")
        if not isinstance(job.get("finished_at"), int):
            yield Finding("a time", repr(job.get("finished_at")), where + "/finished_at")
        elif isinstance(job.get("created_at"), int) and job["finished_at"] < job["created_at"]:
            yield Finding(f"at least {job['created_at']}", f"{job['finished_at']}", where + "/finished_at")


@check("tuning.error", level=MUST, applies=_tells_of_jobs, spec=_JOB + "/properties/error")
def error(exchange: Exchange) -> Iterator[Finding]:
    """A job that failed says why."""
    for where, job in view.kept(exchange):
        if job.get("status") != "failed":
            continue
        told = job.get("error")
        if not isinstance(told, dict) or not told.get("message"):
            yield Finding("an error with a message", repr(told)[:80], where + "/error")


@check("tuning.kept", level=MUST, applies=_answers("createFineTuningJob"), spec=_REQUEST + "hyperparameters")
def kept(exchange: Exchange) -> Iterator[Finding]:
    """A job has the training file, the seed, the metadata and the hyperparameters that were asked for."""
    job = view.json_body(exchange)
    if not isinstance(job, dict):
        raise Inconclusive("the body is not an object")
    for name in ("training_file", "seed", "metadata"):
        wanted = view.member(exchange, name)
        if wanted is not None and job.get(name) != wanted:
            yield Finding(view.short(wanted), view.short(job.get(name)), f"body /{name}")
    asked, used = view.member(exchange, "hyperparameters"), job.get("hyperparameters")
    if not isinstance(asked, dict) or not isinstance(used, dict):
        return
    for name, wanted in asked.items():
        if isinstance(wanted, (int, float)) and used.get(name) != wanted:
            yield Finding(f"{wanted}", view.short(used.get(name)), f"body /hyperparameters/{name}")


def _times(exchange: Exchange) -> list[int]:
    times: list[Any] = [event.get("created_at") for _, event in view.kept(exchange)]
    if not all(isinstance(time, int) for time in times):
        raise Inconclusive("an event has no time")
    return times


@check(
    "tuning.events-order",
    level=SHOULD,
    applies=_answers("listFineTuningEvents"),
    spec="openai#/paths/~1fine_tuning~1jobs~1{fine_tuning_job_id}~1events/get",
)
def events_order(exchange: Exchange) -> Iterator[Finding]:
    """The events of a job come in the order of their times, in one direction or the other."""
    times = _times(exchange)
    if times not in (sorted(times), sorted(times, reverse=True)):
        yield Finding("times in order", f"{times}"[:120], "body /data/*/created_at")


@check(
    "tuning.checkpoint-job",
    level=MUST,
    applies=_answers("listFineTuningJobCheckpoints"),
    spec="openai#/components/schemas/FineTuningJobCheckpoint/properties/fine_tuning_job_id",
)
def checkpoint_job(exchange: Exchange) -> Iterator[Finding]:
    """A checkpoint belongs to the job whose checkpoints were asked for."""
    job = view.in_path(exchange, "fine_tuning_job_id")
    for where, row in view.kept(exchange):
        if isinstance(row.get("fine_tuning_job_id"), str) and row["fine_tuning_job_id"] != job:
            yield Finding(job, row["fine_tuning_job_id"], where + "/fine_tuning_job_id")


@check(
    "tuning.checkpoint-step",
    level=SHOULD,
    applies=_answers("listFineTuningJobCheckpoints"),
    spec="openai#/components/schemas/FineTuningJobCheckpoint/properties/step_number",
)
def checkpoint_step(exchange: Exchange) -> Iterator[Finding]:
    """A checkpoint's metrics are those of its own step, and no other checkpoint is of that step."""
    seen: list[Any] = []
    for where, row in view.kept(exchange):
        step, metrics = row.get("step_number"), row.get("metrics")
        of = metrics.get("step") if isinstance(metrics, dict) else None
        if of is not None and step is not None and of != step:
            yield Finding(f"{step}, the step_number", f"{of}", where + "/metrics/step")
        if step is not None and step in seen:
            yield Finding("a step of its own", f"{step}", where + "/step_number")
        seen.append(step)


def _may_follow(before: str, after: str) -> bool:
    if before in _ENDED:
        return after == before
    if before == "paused" or after in ("paused", "failed", "cancelled"):
        return True
    return before not in _ORDER or after not in _ORDER or _ORDER.index(after) >= _ORDER.index(before)


def _shows_twice(exchanges: Sequence[Exchange]) -> bool:
    return any(len(states) > 1 for states in view.history(exchanges, _JOBS).values())


@relation("tuning.status-forward", level=MUST, applies=_shows_twice, spec=_JOB + "/properties/status")
def status_forward(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A job goes from validating its files to queued, running and its end, never back; paused, it may be resumed."""
    for states in view.history(exchanges, _JOBS).values():
        yield from view.went_back(states, _may_follow)


def _asks_again(exchanges: Sequence[Exchange]) -> bool:
    try:
        return any(
            True for _ in view.lost(exchanges, "createFineTuningJob", "retrieveFineTuningJob", "fine_tuning_job_id")
        )
    except Inconclusive:
        return False


@relation("tuning.read-after-create", level=MUST, applies=_asks_again, spec=_JOB)
def read_after_create(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A job that was made is there at once."""
    for made, missing in view.lost(exchanges, "createFineTuningJob", "retrieveFineTuningJob", "fine_tuning_job_id"):
        if missing is not None:
            yield Finding(f"the job of exchange {made.number}", "status 404", f"exchange {missing.number}")
