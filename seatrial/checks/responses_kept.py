"""Responses from one request to the next: what is kept, and what is read again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_MEMBERS = "openai#/components/schemas/Response/allOf/2/properties/"
_RUNNING = {"queued": 0, "in_progress": 1}
_ITEMS = ("listInputItems", "listConversationItems", "getConversationItem")
_REQUESTED = ("instructions", "previous_response_id", "background", "metadata", "max_output_tokens", "temperature")
_CONTEXT = ("instructions", "previous_response_id", "conversation")


def _seen(exchanges: Sequence[Exchange]) -> dict[Any, list[tuple[Exchange, Mapping[str, Any]]]]:
    """By id, each response as it was shown, in the order of the exchanges."""
    table: dict[Any, list[tuple[Exchange, Mapping[str, Any]]]] = {}
    for exchange in filter(view.is_response_object, exchanges):
        try:
            found = view.response(exchange)
        except Inconclusive:
            continue
        if isinstance(found.get("id"), str):
            table.setdefault(found["id"], []).append((exchange, found))
    return table


def _said(item: Mapping[str, Any]) -> list[Any]:
    # Log probabilities and the like come only where they are asked for, which reading again does not.
    return [view.bare(item.get(name)) for name in ("id", "type", "content", "summary", "arguments", "name", "call_id")]


def _reads_again(exchanges: Sequence[Exchange]) -> bool:
    return any(exchange.operation.id == "getResponse" and view.is_ok(exchange) for exchange in exchanges)


@relation("responses.read-again", level=MUST, applies=_reads_again, spec="openai#/paths/~1responses~1{response_id}/get")
def read_again(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A response that is done is the same when it is read again: its id, its status, its output."""
    judged = False
    asked = {exchange.number: exchange.request.url.rpartition("/")[2].partition("?")[0] for exchange in exchanges}
    for id, shown in _seen(exchanges).items():
        for exchange, _ in shown:
            if exchange.operation.id == "getResponse" and asked[exchange.number] != id:
                judged = True
                yield Finding(asked[exchange.number][:80], f"{id}"[:80], f"exchange {exchange.number} /id")
        done = [(exchange, found) for exchange, found in shown if view.status(found) in ("completed", "incomplete")]
        for exchange, found in done[1:]:
            judged = True
            if list(map(_said, view.output(found))) != list(map(_said, view.output(done[0][1]))):
                yield Finding(
                    f"the output of exchange {done[0][0].number}",
                    f"{found.get('output')}"[:160],
                    f"exchange {exchange.number} /output",
                )
    if not judged:
        raise Inconclusive("no response that was done was read again")


@relation("responses.same", level=MUST, applies=_reads_again, spec="openai#/paths/~1responses~1{response_id}/get")
def same(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A response that is read again has the model, the metadata and the time of creation that it had, and its usage."""
    judged = False
    for shown in _seen(exchanges).values():
        for name in ("model", "metadata", "created_at", "usage"):
            known = [(exchange, found[name]) for exchange, found in shown if found.get(name) is not None]
            for exchange, value in known[1:]:
                judged = True
                if _settled(value) != _settled(known[0][1]):
                    where = f"exchange {exchange.number} /{name}"
                    yield Finding(repr(known[0][1])[:120], repr(value)[:120], where)
                    break
    if not judged:
        raise Inconclusive("no response was read again")


def _is_kept(said: Any, shown: Any) -> bool:
    if isinstance(said, (int, float)) and isinstance(shown, (int, float)):
        return math.isclose(said, shown, rel_tol=1e-6)  # single precision
    if isinstance(said, str) and isinstance(shown, list):
        return True  # instructions as the message that they are
    return bool((said or None) == (shown or None))  # what is none is spelt in several ways


def _settled(value: Any) -> Any:
    """A count of tokens by its total, a time in whole seconds, anything else as it is."""
    if isinstance(value, dict) and "total_tokens" in value:
        return value["total_tokens"]
    return int(value) if isinstance(value, float) else value


@relation(
    "responses.keeps-request", level=SHOULD, applies=_reads_again, spec="openai#/paths/~1responses~1{response_id}/get"
)
def keeps_request(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A response that is read again still says what it was asked with: instructions, limits, what it goes on from."""
    judged = False
    for shown in _seen(exchanges).values():
        for name in _REQUESTED:
            said = shown[0][1].get(name)
            for exchange, found in shown[1:] if said is not None else ():
                judged = True
                if name in found and not _is_kept(said, found[name]):
                    where = f"exchange {exchange.number} /{name}"
                    yield Finding(view.short(said), view.short(found[name]), where)
                    break
    if not judged:
        raise Inconclusive("no response was read again that says what it was asked with")


def _role(item: Mapping[str, Any]) -> Any:
    """Who speaks; newer models call `developer` what others call `system`."""
    return "developer" if item.get("role") == "system" else item.get("role")


def _texts(items: Any) -> Iterator[tuple[str, Any]]:
    """(text, role) of each message among the items."""
    for item in items if isinstance(items, list) else ():
        content = item.get("content") if isinstance(item, dict) and isinstance(item.get("role"), str) else None
        parts = content if isinstance(content, list) else [{"text": content}]
        text = "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
        if text:
            yield text, _role(item)


def _roles(exchanges: Sequence[Exchange]) -> dict[str, set[Any]]:
    """By text, the roles in which it was said, in requests and by models."""
    found: dict[str, set[Any]] = {}
    for exchange in exchanges:
        if view.is_ok(exchange) and exchange.request.method == "POST":
            given = exchange.request.get("input", exchange.request.get("items"))
            rows = [*_texts([{"role": "user", "content": given}] if isinstance(given, str) else given)]
            if view.is_response_object(exchange):
                try:
                    rows += _texts(view.response(exchange).get("output"))
                except Inconclusive:
                    continue
            for text, role in rows:
                found.setdefault(text, set()).add(role)
    return found


def _said_again(exchanges: Sequence[Exchange]) -> list[tuple[str, Any, set[Any]]]:
    """(where, role, roles) of each message that is listed or read, and was given in these roles."""
    known, found = _roles(exchanges), []
    for exchange in exchanges:
        if exchange.operation.id in _ITEMS and view.is_ok(exchange) and exchange.media == "application/json":
            rows = [(where, *pair) for where, row in view.kept(exchange) for pair in _texts([row])]
            found += [
                (f"exchange {exchange.number} {at}", role, known[text]) for at, text, role in rows if text in known
            ]
    return found


def _has_items(exchanges: Sequence[Exchange]) -> bool:
    try:
        return bool(_said_again(exchanges))
    except Inconclusive:
        return False


@relation("items.role", level=MUST, applies=_has_items, spec="openai#/components/schemas/ResponseItemList")
def role(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A message of a conversation, or of a response's input, is said by whom it was said."""
    for where, shown, given in _said_again(exchanges):
        if shown not in given:
            yield Finding(" or ".join(sorted(map(str, given))), f"{shown}", f"{where} /role")


def _polls(exchanges: Sequence[Exchange]) -> bool:
    return any(len(shown) > 1 for shown in _seen(exchanges).values())


@relation("responses.status-forward", level=MUST, applies=_polls, spec=_MEMBERS + "status")
def status_forward(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The status of a response goes forward only: queued, in_progress, and one end that stays."""
    for shown in _seen(exchanges).values():
        last = ""
        for exchange, found in shown:
            now = view.status(found)
            back = last and (
                now != last if last not in _RUNNING else now in _RUNNING and _RUNNING[now] < _RUNNING[last]
            )
            if back:
                yield Finding(f"{last}, or what comes after it", now, f"exchange {exchange.number} /status")
            last = now or last


def _pairs(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange, str]]:
    """(with, without, name): two requests that differ only in that one brings more to read."""
    made = [exchange for exchange in exchanges if view.is_response(exchange)]
    return [
        (one, other, name)
        for name in _CONTEXT
        for one in made
        for other in made
        if view.member(one, name) is not None
        and view.member(other, name) is None
        and view.same_but(one, other, name, "stream", "store")
    ]


def _has_pairs(exchanges: Sequence[Exchange]) -> bool:
    return bool(_pairs(exchanges))


@relation(
    "responses.context-read",
    level=MUST,
    applies=_has_pairs,
    spec="openai#/components/schemas/ResponseProperties/properties/previous_response_id",
)
def context_read(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Instructions, an earlier response and a conversation are read: with them, the input has more tokens."""

    def judge(pair: tuple[Exchange, Exchange, str]) -> Iterator[Finding]:
        one, other, name = pair
        more, less = view.input_tokens(one), view.input_tokens(other)
        if not less:
            raise Inconclusive("the input is said to have no tokens")
        if more <= less:
            where = f"exchange {one.number} /usage/input_tokens"
            yield Finding(f"with {name}, more than {less} tokens", f"{more}", where)

    return view.each(_pairs(exchanges), judge)


def _goes_on(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Mapping[str, Any]]]:
    """Each response that goes on from one that is known here, and that one."""
    known = {id: shown[-1][1] for id, shown in _seen(exchanges).items()}
    made = [(one, known.get(view.member(one, "previous_response_id"))) for one in exchanges if view.is_response(one)]
    return [(one, before) for one, before in made if before is not None]


@relation(
    "responses.output-own",
    level=MUST,
    applies=lambda exchanges: bool(_goes_on(exchanges)),
    spec=_MEMBERS + "output",
)
def output_own(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The output of a response is what it made, without that of the response before it."""

    def judge(pair: tuple[Exchange, Mapping[str, Any]]) -> Iterator[Finding]:
        one, before = pair
        earlier = {item.get("id"): item for item in view.output(before)}
        for place, item in enumerate(view.output(view.response(one))):
            if item.get("id") in earlier and isinstance(item.get("id"), str):
                where = f"exchange {one.number} /output/{place}"
                yield Finding("items of its own", f"{item['id']}, of {before.get('id')}"[:120], where)
                return

    return view.each(_goes_on(exchanges), judge)


def _counted(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange]]:
    """(count, response) of one and the same input."""
    counts = [x for x in exchanges if x.operation.id == "countInputTokens" and view.is_ok(x)]
    made = [x for x in exchanges if view.is_response(x)]
    names = ("model", "input", "instructions", "tools", "previous_response_id", "conversation")
    return [
        (count, one)
        for count in counts
        for one in made
        if all(count.request.get(n) == one.request.get(n) for n in names)
    ]


def _has_counts(exchanges: Sequence[Exchange]) -> bool:
    return bool(_counted(exchanges))


@relation(
    "responses.count-equals-usage",
    level=SHOULD,
    applies=_has_counts,
    spec="openai#/components/schemas/TokenCountsResource",
)
def count_equals_usage(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The tokens counted of an input are those that a response to it has read."""

    def judge(pair: tuple[Exchange, Exchange]) -> Iterator[Finding]:
        count, one = pair
        said = view.count(view.whole_answer(count), "input_tokens")
        read = view.input_tokens(one)
        if said != read:
            where = f"exchange {count.number} /input_tokens"
            yield Finding(f"{read}, the usage of exchange {one.number}", f"{said}", where)

    return view.each(_counted(exchanges), judge)
