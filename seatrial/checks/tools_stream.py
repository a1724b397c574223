"""Tool calls in deltas: they can be assembled by index alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

DELTA = "openai#/components/schemas/ChatCompletionMessageToolCallChunk/properties/"
Call = Mapping[str, Any]


def _offers(x: Exchange) -> bool:
    return view.is_chat_stream(x) and bool(view.tools(x))


def _deltas(exchange: Exchange) -> dict[tuple[int, int], list[Call]]:
    """The deltas of each call by (choice, call index), in the order they came."""
    found: dict[tuple[int, int], list[Call]] = {}
    for chunk in view.chunks(exchange):
        for choice in view.choices_of(chunk):
            calls = view.delta_of(choice).get("tool_calls")
            for call in calls if isinstance(calls, list) else []:
                if not isinstance(call, dict) or not isinstance(call.get("index"), int):
                    raise Inconclusive("a tool-call delta has no integer index")
                found.setdefault((view.index_of(choice), call["index"]), []).append(call)
    if not found:
        raise Inconclusive("no tool was called")
    return found


@check("tools.delta-indices", level=MUST, applies=_offers, spec=DELTA + "index")
def delta_indices(exchange: Exchange) -> Iterator[Finding]:
    """The calls of a choice have the indices 0, 1, 2 and so on."""
    table: dict[int, list[int]] = {}
    for choice, call in _deltas(exchange):
        table.setdefault(choice, []).append(call)
    for choice, indices in table.items():
        if sorted(indices) != list(range(len(indices))):
            yield Finding(f"{list(range(len(indices)))}", str(sorted(indices)), f"tool_calls of choice {choice}")


@check("tools.delta-first-complete", level=MUST, applies=_offers, spec=DELTA + "id")
def delta_first_complete(exchange: Exchange) -> Iterator[Finding]:
    """The first delta of a call has its id and its function's name."""
    for (choice, call), deltas in _deltas(exchange).items():
        first = deltas[0]
        lacks = [
            n for n, v in (("id", first.get("id")), ("function.name", view.function_of(first).get("name"))) if not v
        ]
        if lacks:
            yield Finding(" and ".join(lacks), str(first)[:120], f"first delta of call {call} of choice {choice}")


@check("tools.delta-type-first", level=SHOULD, applies=_offers, spec=DELTA + "type")
def delta_type_first(exchange: Exchange) -> Iterator[Finding]:
    """The first delta of a call has its type, `function`."""
    for (choice, call), deltas in _deltas(exchange).items():
        if deltas[0].get("type") is None:
            yield Finding("type", str(deltas[0])[:120], f"first delta of call {call} of choice {choice}")


@check("tools.delta-id-once", level=MUST, applies=_offers, spec=DELTA + "id")
def delta_id_once(exchange: Exchange) -> Iterator[Finding]:
    """Later deltas of a call have no id: clients join what they get, or open a new call."""
    for (choice, call), deltas in _deltas(exchange).items():
        for delta in deltas[1:]:
            if delta.get("id") is not None:
                yield Finding("no id, or null", repr(delta["id"]), f"later delta of call {call} of choice {choice}")
                break


@check("tools.delta-name-once", level=MUST, applies=_offers, spec=DELTA + "function/properties/name")
def delta_name_once(exchange: Exchange) -> Iterator[Finding]:
    """Later deltas of a call have no function name: clients join what they get."""
    for (choice, call), deltas in _deltas(exchange).items():
        for delta in deltas[1:]:
            name = view.function_of(delta).get("name")
            if name is not None:
                yield Finding("no name, or null", repr(name), f"later delta of call {call} of choice {choice}")
                break


@check("tools.arguments-incremental", level=MAY, applies=_offers, spec="issue#vllm-project/vllm/40779")
def arguments_incremental(exchange: Exchange) -> Iterator[Finding]:
    """Long arguments come in several deltas."""
    seen = False
    for (choice, call), deltas in _deltas(exchange).items():
        pieces = [str(view.function_of(delta).get("arguments") or "") for delta in deltas]
        whole = "".join(pieces)
        if len(whole) < 40:
            continue
        seen = True
        if sum(bool(piece) for piece in pieces) == 1:
            yield Finding("several deltas", f"one of {len(whole)} characters", f"call {call} of choice {choice}")
    if not seen:
        raise Inconclusive("the arguments are short")
