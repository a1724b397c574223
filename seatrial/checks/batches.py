"""Batches: their states and counts, and every line of their files."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_BATCH = "openai#/components/schemas/Batch/properties/"
_GUIDE = "openai-guides#batch"
_OBJECTS = ("createBatch", "retrieveBatch", "cancelBatch")
_ENDPOINTS = {
    "/v1/chat/completions": "openai/chat-completion.json",
    "/v1/completions": "openai/completion.json",
    "/v1/embeddings": "openai/embedding-list.json",
    "/v1/responses": "openai/response.json",
    "/v1/moderations": "openai/moderation.json",
    "/v1/images/generations": "openai/images.json",
    "/v1/images/edits": "openai/images.json",
}
"""The schema of what each endpoint answers."""
_AHEAD = {
    "validating": ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled"),
    "in_progress": ("finalizing", "completed", "failed", "expired", "cancelling", "cancelled"),
    "finalizing": ("completed", "failed", "expired", "cancelling", "cancelled"),
    "cancelling": ("cancelled", "finalizing", "completed", "failed", "expired"),
}
"""What may come after each state; what is not named is an end."""
_AT_REST = ("completed", "failed", "expired", "cancelled")


def _is_batch(exchange: Exchange) -> bool:
    return exchange.operation.id in _OBJECTS and view.is_ok(exchange)


def _counts(body: Mapping[str, Any]) -> dict[str, int]:
    table = body.get("request_counts")
    if not isinstance(table, dict):
        raise Inconclusive("the batch has no request_counts")
    return {name: view.count(table, name) for name in ("total", "completed", "failed")}


@check("batches.counts", level=MUST, applies=_is_batch, spec=_BATCH + "request_counts")
def counts(exchange: Exchange) -> Iterator[Finding]:
    """No more requests are completed and failed than there are; of a batch that is completed, all of them."""
    body = view.whole_answer(exchange)
    found = _counts(body)
    done = found["completed"] + found["failed"]
    if done > found["total"] or (body.get("status") == "completed" and done != found["total"]):
        actual = f"{found['completed']} completed and {found['failed']} failed"
        yield Finding(f"{found['total']} in all", actual, "body /request_counts")


def _status(exchange: Exchange) -> str:
    try:
        return str(view.whole_answer(exchange).get("status")) if _is_batch(exchange) else ""
    except Inconclusive:
        return ""


@check("batches.times", level=SHOULD, applies=lambda e: bool(_status(e)), spec=_BATCH + "completed_at")
def times(exchange: Exchange) -> Iterator[Finding]:
    """A batch that is completed, failed, expired or cancelled says when, and no other does; its times are in order."""
    body = view.whole_answer(exchange)
    status = body.get("status")
    steps = [(name, body.get(name)) for name in ("created_at", "in_progress_at", "finalizing_at", "completed_at")]
    known = [(name, when) for name, when in steps if isinstance(when, int)]
    for (_, earlier), (name, later) in itertools.pairwise(known):
        if later < earlier - 1:  # whole seconds, which may have been rounded up or down
            yield Finding(f"no earlier than {earlier}", f"{later}", f"body /{name}")
    for name in (f"{end}_at" for end in _AT_REST if end != status and body.get(f"{end}_at") is not None):
        yield Finding(f"null, of a batch that is {status}", f"{body[name]}", f"body /{name}")
    if status not in _AT_REST:
        return
    when, created = body.get(f"{status}_at"), body.get("created_at")
    if when is None:
        yield Finding("a time", "absent", f"body /{status}_at")
    elif isinstance(when, int) and isinstance(created, int) and when < created:
        yield Finding(f"no earlier than {created}", f"{when}", f"body /{status}_at")


def _is_made(exchange: Exchange) -> bool:
    return exchange.operation.id == "createBatch" and view.is_ok(exchange)


@check("batches.expires-at", level=SHOULD, applies=_is_made, spec=_BATCH + "expires_at")
def expires_at(exchange: Exchange) -> Iterator[Finding]:
    """A batch expires when its completion window ends."""
    body = view.whole_answer(exchange)
    created, expires = body.get("created_at"), body.get("expires_at")
    hours = re.fullmatch(r"(\d+)h", str(body.get("completion_window")))
    if not isinstance(created, int) or not isinstance(expires, int) or hours is None:
        raise Inconclusive("the batch does not say when it expires")
    wanted = created + 3600 * int(hours[1])
    if abs(expires - wanted) > 60:
        yield Finding(f"{wanted}", f"{expires}", "body /expires_at")


def _has_failed(exchange: Exchange) -> bool:
    return _status(exchange) == "failed"


@check("batches.errors", level=SHOULD, applies=_has_failed, spec=_BATCH + "errors")
def errors(exchange: Exchange) -> Iterator[Finding]:
    """A batch that failed says why."""
    table = view.whole_answer(exchange).get("errors")
    rows = table.get("data") if isinstance(table, dict) else None
    if not rows or not any(isinstance(row, dict) and row.get("message") for row in rows):
        yield Finding("errors, each with a message", repr(table)[:120], "body /errors")


def _states(exchanges: Sequence[Exchange]) -> dict[str, list[tuple[int, Mapping[str, Any]]]]:
    """Each batch of a case as it was seen, in the order of the exchanges."""
    found: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for exchange in exchanges:
        if _is_batch(exchange):
            try:
                body = view.whole_answer(exchange)
            except Inconclusive:
                continue
            found.setdefault(str(body.get("id")), []).append((exchange.number, body))
    return found


def _seen_twice(exchanges: Sequence[Exchange]) -> bool:
    return any(len(seen) > 1 for seen in _states(exchanges).values())


@relation("batches.status-forward", level=MUST, applies=_seen_twice, spec=_BATCH + "status")
def status_forward(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The status of a batch never goes back, and one that is at rest stays as it is."""
    for seen in _states(exchanges).values():
        for (_, before), (number, after) in itertools.pairwise(seen):
            one, other = str(before.get("status")), str(after.get("status"))
            allowed = _AHEAD.get(one, () if one in _AT_REST else (other,))
            if other != one and other not in allowed:
                yield Finding(f"{one}, or what comes after it", other, f"exchange {number} body /status")
                return


@relation("batches.counts-forward", level=SHOULD, applies=_seen_twice, spec=_BATCH + "request_counts")
def counts_forward(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Of a batch that is looked at again no fewer requests are done than before."""

    def judge(seen: list[tuple[int, Mapping[str, Any]]]) -> Iterator[Finding]:
        for (_, before), (number, after) in itertools.pairwise(seen):
            one, other = _counts(before), _counts(after)
            for name in ("total", "completed", "failed"):
                if other[name] < one[name]:
                    yield Finding(
                        f"at least {one[name]}", f"{other[name]}", f"exchange {number} /request_counts/{name}"
                    )

    return view.each((seen for seen in _states(exchanges).values() if len(seen) > 1), judge)


@relation("batches.same", level=MUST, applies=_seen_twice, spec=_BATCH + "input_file_id")
def same(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """What a batch was made of is what it shows of it ever after."""
    for seen in _states(exchanges).values():
        (_, first), *later = seen
        for number, body in later:
            for name in ("endpoint", "input_file_id", "completion_window", "created_at", "metadata"):
                if (body.get(name) or None) != (first.get(name) or None):  # no metadata: null, or an empty object
                    where = f"exchange {number} body /{name}"
                    yield Finding(repr(first.get(name))[:120], repr(body.get(name))[:120], where)
                    return


@dataclass(frozen=True, slots=True)
class _Result:
    """A batch that came to rest: the lines that were sent, and those of its files that were read."""

    body: Mapping[str, Any]
    sent: Mapping[str, Mapping[str, Any]]
    output: Exchange | None
    errors: Exchange | None

    @property
    def whole(self) -> bool:
        """Whether each file that the batch names was read."""
        return all(
            not isinstance(self.body.get(f"{kind}_file_id"), str) or exchange is not None
            for kind, exchange in (("output", self.output), ("error", self.errors))
        )


def _sent_lines(exchanges: Sequence[Exchange], id: str) -> dict[str, Mapping[str, Any]]:
    for exchange in exchanges:
        if exchange.operation.id == "createFile" and view.is_ok(exchange):
            body, parts = view.json_body(exchange), exchange.request.form.get("file", ())
            if isinstance(body, dict) and body.get("id") == id and parts:
                rows = [view.strict_json(line) for line in parts[0].data.splitlines() if line.strip()]
                return {row["custom_id"]: row for row in rows}
    return {}


def _results(exchanges: Sequence[Exchange]) -> list[_Result]:
    read = {
        exchange.request.url.rpartition("/files/")[2].partition("/")[0]: exchange
        for exchange in exchanges
        if exchange.operation.id == "downloadFile" and view.is_ok(exchange)
    }
    found = []
    for seen in _states(exchanges).values():
        body = seen[-1][1]
        try:
            sent = _sent_lines(exchanges, str(body.get("input_file_id")))
        except (ValueError, KeyError, TypeError, Inconclusive):
            continue  # a line that is wrong on purpose
        output, wrong = read.get(str(body.get("output_file_id"))), read.get(str(body.get("error_file_id")))
        if sent and body.get("status") in ("completed", "expired") and (output or wrong):
            found.append(_Result(body, sent, output, wrong))
    return found


def _has_results(exchanges: Sequence[Exchange]) -> bool:
    return bool(_results(exchanges))


def _lines(exchange: Exchange | None) -> Iterator[tuple[str, Any]]:
    """(where, line) of each line of a file; None for a line that is not JSON."""
    if exchange is None:
        return
    view.require_whole(exchange)
    for number, line in enumerate(exchange.body.split(b"\n"), 1):
        if line.strip():
            try:
                yield f"exchange {exchange.number} line {number}", view.strict_json(line)
            except ValueError:
                yield f"exchange {exchange.number} line {number}", None


def _all_lines(result: _Result) -> list[tuple[str, Mapping[str, Any]]]:
    """Every line that is an object with a custom_id."""
    rows = [*_lines(result.output), *_lines(result.errors)]
    return [(where, row) for where, row in rows if isinstance(row, dict) and isinstance(row.get("custom_id"), str)]


@relation("batches.lines", level=MUST, applies=_has_results, spec=_GUIDE)
def lines(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Each line of a batch's files is a JSON object with id, custom_id, and a response or an error."""

    def judge(result: _Result) -> Iterator[Finding]:
        for where, row in (*_lines(result.output), *_lines(result.errors)):
            if row is None:
                yield Finding("a line of JSON", "a line that is none", where)
                continue
            found = view.schema_errors(row, "openai/batch-output-line.json", where)
            yield from found[:2]
            if not found and row.get("response") is None and row.get("error") is None:
                yield Finding("a response or an error", "neither", where)

    return view.each(_results(exchanges), judge)


@relation("batches.each-once", level=MUST, applies=_has_results, spec=_GUIDE)
def each_once(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Each custom_id of the input is answered exactly once, in the one file or the other, and no other is.

    Of a batch that expired some may be left unanswered.
    """

    def judge(result: _Result) -> Iterator[Finding]:
        if not result.whole:
            raise Inconclusive("not all files of the batch were read")
        rows = [*_lines(result.output), *_lines(result.errors)]
        met = [row["custom_id"] for _, row in _all_lines(result)]
        if len(met) != len(rows):
            raise Inconclusive("there are lines without a custom_id, which batches.lines judges")
        for id in result.sent:
            if met.count(id) != 1 and (met.count(id) or result.body["status"] == "completed"):
                yield Finding(f"one line for {id!r}", f"{met.count(id)} lines", "custom_id")
        for id in dict.fromkeys(met):
            if id not in result.sent:
                yield Finding("the ids of the input alone", repr(id)[:80], "custom_id")

    return view.each(_results(exchanges), judge)


@relation("batches.line-ids", level=SHOULD, applies=_has_results, spec=_GUIDE)
def line_ids(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Each line of a batch's files has ids of its own: the line's, the request's, the answer's."""

    def judge(result: _Result) -> Iterator[Finding]:
        seen: dict[tuple[str, str], Any] = {}
        for at, row in _all_lines(result):
            response = row.get("response")
            response = response if isinstance(response, dict) else {}
            body = response.get("body")
            answer = body if isinstance(body, dict) else {}
            # A cache may answer what is asked twice with the very same answer.
            own = (("/id", row, at), ("/response/request_id", response, at), ("/response/body/id", answer, answer))
            for name, holder, mark in own:
                id = holder.get(name.rpartition("/")[2])
                if isinstance(id, str) and id and seen.setdefault((name, id), mark) != mark:
                    yield Finding("an id that no other line has", id[:80], at + name)

    return view.each(_results(exchanges), judge)


@relation("batches.counts-match", level=MUST, applies=_has_results, spec=_BATCH + "request_counts")
def counts_match(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A batch that is done counts as many requests as its input has lines; a completed one as failed those told so."""

    def judge(result: _Result) -> Iterator[Finding]:
        found = _counts(result.body)
        if found["total"] != len(result.sent):
            yield Finding(f"total {len(result.sent)}", f"total {found['total']}", "body /request_counts/total")
        elif (
            result.whole
            and result.body["status"] == "completed"
            and found["completed"] + found["failed"] == found["total"]
        ):
            failed = sum(_failed(row) for _, row in _all_lines(result))
            if failed != found["failed"]:
                yield Finding(f"failed {failed}", f"failed {found['failed']}", "body /request_counts/failed")

    return view.each(_results(exchanges), judge)


def _failed(line: Mapping[str, Any]) -> bool:
    response = line.get("response")
    code = response.get("status_code") if isinstance(response, dict) else None
    return line.get("error") is not None or not isinstance(code, int) or code >= 400


@relation("batches.line-bodies", level=MUST, applies=_has_results, spec=_GUIDE)
def line_bodies(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The body of each line is what the endpoint itself would answer: by its schema, or an error's."""

    def judge(result: _Result) -> Iterator[Finding]:
        name = _ENDPOINTS.get(str(result.body.get("endpoint")))
        judged = False
        for where, row in _all_lines(result):
            response = row.get("response")
            if isinstance(response, dict) and isinstance(response.get("body"), dict):
                wanted = "openai/error.json" if _failed(row) else name
                judged = judged or wanted is not None
                yield from view.schema_errors(response["body"], wanted, where)[:2] if wanted else ()
        if not judged:
            raise Inconclusive("no line has a body whose schema is known")

    return view.each(_results(exchanges), judge)


@relation("batches.right-file", level=SHOULD, applies=_has_results, spec=_BATCH + "error_file_id")
def right_file(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """What succeeded is in the output file, and what failed in the error file."""

    def judge(result: _Result) -> Iterator[Finding]:
        for exchange, failed in ((result.output, False), (result.errors, True)):
            for where, row in _lines(exchange):
                if isinstance(row, dict) and _failed(row) is not failed:
                    yield Finding("a failure" if failed else "a success", repr(row.get("response"))[:120], where)

    return view.each(_results(exchanges), judge)


def _asked_for(line: Mapping[str, Any]) -> tuple[str, int] | None:
    """The member of an answer that is a list, and how long it is to be; None where the request does not tell."""
    body = line.get("body")
    if not isinstance(body, dict):
        return None
    if line.get("url") in ("/v1/chat/completions", "/v1/completions"):
        single = not isinstance(body.get("prompt"), list)
        return ("choices", int(body.get("n") or 1)) if single and isinstance(body.get("n") or 1, int) else None
    given = body.get("input")
    if line.get("url") == "/v1/embeddings" and isinstance(given, (str, list)):
        texts = isinstance(given, str) or all(isinstance(one, (str, list)) for one in given)
        return "data", len(given) if isinstance(given, list) and texts else 1
    return None


@relation("batches.own-answer", level=MUST, applies=_has_results, spec=_GUIDE)
def own_answer(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Under a custom_id is the answer to its own request: as many vectors as it had texts, as many choices as it asked for."""

    def judge(result: _Result) -> Iterator[Finding]:
        judged = False
        for where, row in _all_lines(result):
            response, asked = row.get("response"), _asked_for(result.sent.get(row["custom_id"], {}))
            body = response.get("body") if isinstance(response, dict) and not _failed(row) else None
            rows = body.get(asked[0]) if isinstance(body, dict) and asked else None
            if asked is None or not isinstance(rows, list):
                continue
            judged = True
            if len(rows) != asked[1]:
                yield Finding(f"{asked[1]} in {asked[0]}", f"{len(rows)}", f"{where}, {row['custom_id']!r}"[:120])
        if not judged:
            raise Inconclusive("no line's answer can be told from another's")

    return view.each(_results(exchanges), judge)
