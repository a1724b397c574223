"""Tool calls in the deltas of a stream: that clients can put them together."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

_DELTA = "openai#/components/schemas/ChatCompletionMessageToolCallChunk/properties/"
_LONG = 48


def _streams_calls(exchange: Exchange) -> bool:
    return view.is_chat_stream(exchange) and b"tool_calls" in exchange.body


def _pieces(exchange: Exchange) -> tuple[view.CallDelta, ...]:
    found = view.call_deltas(exchange)
    if not found:
        raise Inconclusive("no tool was called")
    return found


def _at(piece: view.CallDelta) -> str:
    return f"event {piece.event}, choice {piece.choice}, tool call {piece.index}"


@check("tools.delta-indices", level=MUST, applies=_streams_calls, spec=_DELTA + "index")
def delta_indices(exchange: Exchange) -> Iterator[Finding]:
    """The calls of a streamed message are numbered from 0 without gaps, each with a number of its own."""
    for piece in _pieces(exchange):
        if piece.first and piece.index != piece.call:
            yield Finding(f"index {piece.call} for call {piece.call + 1} of the message", f"{piece.index}", _at(piece))


@check("tools.delta-first-complete", level=MUST, applies=_streams_calls, spec="issue#maximhq/bifrost/1829")
def delta_first_complete(exchange: Exchange) -> Iterator[Finding]:
    """The first delta of a call has its id and the name of its function."""
    for piece in _pieces(exchange):
        if not piece.first:
            continue
        for name, value in (("id", piece.delta.get("id")), ("function/name", piece.function.get("name"))):
            if not value:
                yield Finding(f"{name} in the first delta", repr(value) if value == "" else "absent", _at(piece))


@check("tools.delta-type-first", level=SHOULD, applies=_streams_calls, spec="issue#vllm-project/vllm/16346")
def delta_type_first(exchange: Exchange) -> Iterator[Finding]:
    """The first delta of a call has its type."""
    for piece in _pieces(exchange):
        if piece.first and not piece.delta.get("type"):
            yield Finding("type: function", "absent", _at(piece))


@check("tools.delta-id-once", level=MUST, applies=_streams_calls, spec="issue#anomalyco/opencode/40969")
def delta_id_once(exchange: Exchange) -> Iterator[Finding]:
    """Deltas after the first of a call have no id: clients take an id for a new call, or add it to the old one."""
    for piece in _pieces(exchange):
        # Where the first delta had none, that one is at fault.
        if not piece.first and piece.delta.get("id") is not None and _first(exchange, piece).delta.get("id"):
            yield Finding("no id", repr(piece.delta["id"])[:80], _at(piece))
            return


@check("tools.delta-name-once", level=MUST, applies=_streams_calls, spec="issue#sgl-project/sglang/4700")
def delta_name_once(exchange: Exchange) -> Iterator[Finding]:
    """Deltas after the first of a call have no name: clients add it to what they have."""
    for piece in _pieces(exchange):
        if not piece.first and piece.function.get("name") is not None and _first(exchange, piece).function.get("name"):
            yield Finding("no name", repr(piece.function["name"])[:80], _at(piece))
            return


def _first(exchange: Exchange, piece: view.CallDelta) -> view.CallDelta:
    return next(
        other
        for other in view.call_deltas(exchange)
        if other.first and other.choice == piece.choice and other.call == piece.call
    )


@check("tools.arguments-incremental", level=MAY, applies=_streams_calls, spec="issue#vllm-project/vllm/40779")
def arguments_incremental(exchange: Exchange) -> Iterator[Finding]:
    """Long arguments come in several pieces."""
    table: dict[tuple[int, int], list[str]] = {}
    for piece in _pieces(exchange):
        said = piece.function.get("arguments")
        if isinstance(said, str) and said:
            table.setdefault((piece.choice, piece.call), []).append(said)
    long = {key: said for key, said in table.items() if len("".join(said)) >= _LONG}
    if not long:
        raise Inconclusive(f"no arguments have {_LONG} characters")
    for (choice, call), said in long.items():
        if len(said) == 1:
            yield Finding("several pieces", f"{len(said[0])} characters in one", f"choice {choice}, tool call {call}")
