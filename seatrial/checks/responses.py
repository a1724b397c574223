"""The response object: what it gives back of the request, how it ended, what it counts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_RESPONSE = "openai#/components/schemas/Response"
_MEMBERS = _RESPONSE + "/allOf/2/properties/"
_REQUEST = "openai#/components/schemas/CreateResponse/allOf/2/properties/"
_NAMED = ("error", "incomplete_details", "instructions", "metadata", "temperature", "top_p")
_VALUED = ("temperature", "top_p")
_STOPS = (".", "!", "?", "…", "。", '"', "'", ")", "}", "]")
_BACK = (
    *("instructions", "max_output_tokens", "previous_response_id", "temperature", "top_p", "truncation", "store"),
    *("background", "max_tool_calls", "parallel_tool_calls"),
)


@check("responses.members", level=SHOULD, applies=view.is_response, spec=_RESPONSE)
def members(exchange: Exchange) -> Iterator[Finding]:
    """A response has every member that the description requires; temperature and top_p are those in force, not null."""
    found = view.response(exchange)
    if isinstance(found.get("model"), str) and not found["model"].strip():
        yield Finding("the name of a model", repr(found["model"]), "/model")
    for name in _NAMED:
        if name not in found:
            yield Finding(f"the member {name}", "absent", f"/{name}")
        elif name in _VALUED and found[name] is None:
            yield Finding("the value in force", "null", f"/{name}")


def _says_when(exchange: Exchange) -> bool:
    return view.is_response_object(exchange) and re.search(rb'"completed_at":\s*\d', exchange.body) is not None


@check("responses.completed-at", level=SHOULD, applies=_says_when, spec=_MEMBERS + "completed_at")
def completed_at(exchange: Exchange) -> Iterator[Finding]:
    """A response is completed no earlier than it was made, and only one that is completed says when."""
    found = view.response(exchange)
    when, made = found.get("completed_at"), found.get("created_at")
    if not isinstance(when, (int, float)) or not isinstance(made, (int, float)):
        raise Inconclusive("the response does not say when it was completed")
    if when < int(made):
        yield Finding(f"no earlier than {made}", f"{when}", "/completed_at")
    elif view.status(found) in ("queued", "in_progress"):
        yield Finding("null until it is completed", f"{when}", "/completed_at")


def _ended(exchange: Exchange) -> bool:
    return view.is_response_object(exchange)


@check("responses.status-reasons", level=SHOULD, applies=_ended, spec=_MEMBERS + "status")
def status_reasons(exchange: Exchange) -> Iterator[Finding]:
    """An incomplete response says why, a failed one has an error; a completed one has neither, and no item in progress."""
    found = view.response(exchange)
    details, error = found.get("incomplete_details"), found.get("error")
    match view.status(found):
        case "incomplete" if not isinstance(details, dict) or not details.get("reason"):
            yield Finding("a reason", f"{details!r}", "/incomplete_details")
        case "failed" if not isinstance(error, dict):
            yield Finding("an error", f"{error!r}"[:80], "/error")
        case "completed":
            for name, value in (("incomplete_details", details), ("error", error)):
                if value:
                    yield Finding("null, of a completed response", f"{value!r}"[:120], f"/{name}")
            for place, item in enumerate(view.output(found)):
                if item.get("status") == "in_progress":
                    yield Finding("an item that is done", "in_progress", f"/output/{place}/status")
        case "":
            raise Inconclusive("the response has no status")


@check("responses.not-failed", level=MUST, applies=_ended, spec=_MEMBERS + "error")
def not_failed(exchange: Exchange) -> Iterator[Finding]:
    """A request that is taken is answered: its response does not fail, and its stream brings no error."""
    if exchange.media == "text/event-stream":
        for number, data in view.data_events(exchange):
            untyped = isinstance(data, dict) and "type" not in data and isinstance(data.get("error"), (dict, str))
            if untyped or (isinstance(data, dict) and data.get("type") == "error"):
                yield Finding("no error", exchange.events[number].data[:160], f"event {number}")
                return
    found = view.response(exchange)
    if view.status(found) == "failed":
        yield Finding("a response that does not fail", f"{found.get('error')}"[:160], "/status")


@check("responses.cut-shown", level=SHOULD, applies=_ended, spec=_MEMBERS + "incomplete_details")
def cut_shown(exchange: Exchange) -> Iterator[Finding]:
    """A response that was cut at its limit of tokens shows what was made until then."""
    found = view.response(exchange)
    details, usage = found.get("incomplete_details"), _usage(exchange)
    if not isinstance(details, dict) or details.get("reason") != "max_output_tokens":
        raise Inconclusive("the response was not cut at its limit")
    thought = usage.get("output_tokens_details")
    if not isinstance(thought, dict) or not isinstance(thought.get("reasoning_tokens"), int):
        raise Inconclusive("it is not known how much of it was reasoning, which may be kept back")
    said = view.count(usage, "output_tokens") - thought["reasoning_tokens"]
    if said > 0 and not view.output(found):
        yield Finding(f"items of {said} tokens", "none", "/output")


def _counts(exchange: Exchange) -> bool:
    made = view.is_response_object(exchange) or (exchange.operation.id == "compactResponse" and view.is_ok(exchange))
    return made and b'"usage"' in exchange.body


def _usage(exchange: Exchange) -> Mapping[str, Any]:
    found = view.response(exchange).get("usage")
    if not isinstance(found, dict):
        raise Inconclusive("the response has no usage")
    return found


@check("responses.usage-sum", level=MUST, applies=_counts, spec="openai#/components/schemas/ResponseUsage")
def usage_sum(exchange: Exchange) -> Iterator[Finding]:
    """The total is the tokens of the input and of the output together, and no detail of a count is larger than it."""
    usage = _usage(exchange)
    yield from view.summed(usage)
    for side in ("input", "output"):
        most = view.count(usage, f"{side}_tokens")
        details = usage.get(f"{side}_tokens_details")
        for name, value in details.items() if isinstance(details, dict) else ():
            if isinstance(value, int) and not isinstance(value, bool) and value > most:
                yield Finding(f"at most {most}", f"{value}", f"/usage/{side}_tokens_details/{name}")


@check("responses.usage-present", level=SHOULD, applies=_ended, spec=_MEMBERS + "usage")
def usage_present(exchange: Exchange) -> Iterator[Finding]:
    """A response that is done says how many tokens were read and written, and neither is 0."""
    found = view.response(exchange)
    if view.status(found) not in ("completed", "incomplete"):
        raise Inconclusive("the response is not done")
    usage = found.get("usage")
    if not isinstance(usage, dict):
        yield Finding("an object", f"{usage!r}" if "usage" in found else "absent", "/usage")
        return
    for name in ("input_tokens", "output_tokens"):
        if usage.get(name) == 0 and view.output(found):
            yield Finding("at least 1", "0", f"/usage/{name}")


def _limit(exchange: Exchange) -> int | None:
    return view.number(exchange, "max_output_tokens")


def _is_limited(exchange: Exchange) -> bool:
    return view.is_response(exchange) and _limit(exchange) is not None


@check("responses.max-output-tokens", level=MUST, applies=_is_limited, spec=_REQUEST + "max_output_tokens")
def max_output_tokens(exchange: Exchange) -> Iterator[Finding]:
    """A response has at most as many tokens of output as max_output_tokens allows."""
    wrote, most = view.count(_usage(exchange), "output_tokens"), _limit(exchange) or 0
    if wrote > most:
        yield Finding(f"at most {most}", f"{wrote}", "/usage/output_tokens")


def _reached(exchange: Exchange) -> bool:
    try:
        return _is_limited(exchange) and view.count(_usage(exchange), "output_tokens") >= (_limit(exchange) or 0)
    except Inconclusive:
        return False


@check("responses.cut-is-incomplete", level=SHOULD, applies=_reached, spec=_MEMBERS + "incomplete_details")
def cut_is_incomplete(exchange: Exchange) -> Iterator[Finding]:
    """A response that was cut at max_output_tokens is incomplete, and says so."""
    found = view.response(exchange)
    texts = [str(part.get("text") or "") for item in view.output(found, "message") for part in view.content(item)]
    text = "".join(texts).rstrip()
    if view.status(found) == "completed" and (not text or text.endswith(_STOPS)):
        raise Inconclusive("what is said may have come to its own end with its last token")
    if view.status(found) == "completed":
        yield Finding("status incomplete", "status completed at the limit", "/status")
    elif view.status(found) == "incomplete" and found.get("incomplete_details") == {"reason": "content_filter"}:
        yield Finding("max_output_tokens", "content_filter", "/incomplete_details/reason")


def _has_metadata(exchange: Exchange) -> bool:
    return view.is_response(exchange) and bool(view.member(exchange, "metadata"))


@check("responses.metadata-kept", level=MUST, applies=_has_metadata, spec="openai#/components/schemas/Metadata")
def metadata_kept(exchange: Exchange) -> Iterator[Finding]:
    """The metadata of a request are those of its response."""
    wanted = view.member(exchange, "metadata")
    kept = view.response(exchange).get("metadata")
    if kept != wanted:
        yield Finding(f"{wanted}"[:160], f"{kept}"[:160], "/metadata")


@check("responses.gives-back", level=SHOULD, applies=view.is_response, spec=_RESPONSE)
def gives_back(exchange: Exchange) -> Iterator[Finding]:
    """A response gives back what the request set: instructions, limits, sampling, tools, format, effort."""
    found = view.response(exchange)
    judged = False
    for name in _BACK:
        wanted = view.member(exchange, name)
        if wanted is not None and name in found:
            judged = True
            if not _is_given_back(wanted, found[name]):
                yield Finding(f"{wanted!r}"[:80], f"{found[name]!r}"[:80], f"/{name}")
    pairs = [
        ("/tools/*/name", _names(exchange.request.get("tools")), _names(found.get("tools"))),
        ("/text/format/type", *(_inner(x, "text", "format", "type") for x in (exchange.request.json, found))),
        ("/reasoning/effort", *(_inner(x, "reasoning", "effort") for x in (exchange.request.json, found))),
    ]
    if isinstance(exchange.request.get("tool_choice"), str) and "tool_choice" in found:
        pairs.append(("/tool_choice", exchange.request.get("tool_choice"), found["tool_choice"]))
    for where, wanted, actual in pairs:
        if wanted:
            judged = True
            if actual != wanted:
                yield Finding(f"{wanted!r}"[:80], f"{actual!r}"[:80], where)
    if not judged:
        raise Inconclusive("the request sets nothing that is given back")


def _is_given_back(sent: Any, shown: Any) -> bool:
    if isinstance(sent, float) and isinstance(shown, float):
        return math.isclose(sent, shown, rel_tol=1e-6)  # single precision
    # Instructions that came as a text may be shown as the message that they are.
    said = (
        [part.get("text") for item in shown if isinstance(item, dict) for part in view.content(item)]
        if isinstance(shown, list)
        else []
    )
    return bool(shown == sent or (isinstance(sent, str) and sent in said))


def _names(tools: Any) -> list[Any]:
    return (
        [tool.get("name") or tool.get("type") for tool in tools if isinstance(tool, dict)]
        if isinstance(tools, list)
        else []
    )


def _inner(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


@check(
    "responses.item-ids",
    level=MUST,
    applies=_ended,
    spec="openai-python#src/openai/lib/streaming/responses/_responses.py",
)
def item_ids(exchange: Exchange) -> Iterator[Finding]:
    """Response and items have ids that are not empty, each item one of its own."""
    found = view.response(exchange)
    if isinstance(found.get("id"), str) and not found["id"].strip():
        yield Finding("an id", repr(found["id"]), "/id")
    seen: set[str] = set()
    for place, item in view.items_of(exchange):
        value = item.get("id")
        if not isinstance(value, str):
            continue
        if not value.strip() or value in seen:
            actual = f"{value!r} again"[:80] if value in seen else repr(value)
            yield Finding("an id of its own", actual, f"/output/{place}/id")
        seen.add(value)


def _asks_logprobs(exchange: Exchange) -> bool:
    include = exchange.request.get("include")
    return view.is_response(exchange) and isinstance(include, list) and "message.output_text.logprobs" in include


@check("responses.logprobs", level=MUST, applies=_asks_logprobs, spec="openai#/components/schemas/IncludeEnum")
def logprobs(exchange: Exchange) -> Iterator[Finding]:
    """Where log probabilities are asked for, the texts have them, as many as asked for, and their tokens add up to the text."""
    judged, most = False, exchange.request.get("top_logprobs")
    for place, item in view.items_of(exchange):
        for number, part in enumerate(view.content(item)):
            text = part.get("text")
            if part.get("type") != "output_text" or not isinstance(text, str) or not text:
                continue
            judged = True
            where, rows = f"/output/{place}/content/{number}/logprobs", part.get("logprobs")
            if not isinstance(rows, list) or not rows:
                yield Finding("a record of each token", f"{rows!r}", where)
                continue
            if (
                isinstance(most, int)
                and most > 0
                and not any(isinstance(r, dict) and r.get("top_logprobs") for r in rows)
            ):
                yield Finding(f"up to {most} of each token", "none of any", f"{where}/*/top_logprobs")
            tokens = [row.get("token") if isinstance(row, dict) else None for row in rows]
            if all(isinstance(token, str) and "\ufffd" not in token for token in tokens):
                # The end of the text may be cut off by a stop, and a last token stand for the end itself.
                joined = "".join(map(str, tokens))
                if not joined.strip().startswith(text.strip()) and not text.strip().startswith(joined.strip()):
                    yield Finding(repr(text[:60]), repr(joined[:60]), where)
    if not judged:
        raise Inconclusive("the response has no text")


def _two(exchanges: Sequence[Exchange]) -> bool:
    return sum(map(view.is_response, exchanges)) > 1


@relation("responses.ids-unique", level=MUST, applies=_two, spec=_MEMBERS + "id")
def ids_unique(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Two responses have two ids."""
    seen: dict[Any, Exchange] = {}
    compared = 0
    for exchange in filter(view.is_response, exchanges):
        try:
            value = view.response(exchange).get("id")
        except Inconclusive:
            continue
        if not isinstance(value, str) or not value.strip():
            continue
        compared += 1
        first = seen.setdefault(value, exchange)
        if first is not exchange:
            expected = f"an id other than that of exchange {first.number}"
            yield Finding(expected, value[:80], f"exchange {exchange.number} /id")
    if compared < 2:
        raise Inconclusive("there were no two responses with ids to compare")
