"""What a stream holds: its lines, events and chunks, and the one body that the chunks add up to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from seatrial.check import Inconclusive
from seatrial.model import Event, Exchange
from seatrial.view.ask import is_event_stream
from seatrial.view.parse import strict_json

DONE = "[DONE]"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_SURROGATE = re.compile("[\ud800-\udfff]")
_THOUGHTS = ("reasoning_content", "reasoning")


def lines(body: bytes) -> list[str]:
    """The lines of an event stream, without their ends and without a leading byte order mark."""
    return [line.decode("utf-8", "replace") for line in _LINE_END.split(body.removeprefix(b"\xef\xbb\xbf"))]


@lru_cache(maxsize=32)
def unterminated(exchange: Exchange) -> str | None:
    """The data of a last event whose blank line never came, so that readers drop it; None where there is none."""
    start = exchange.events[-1].end if exchange.events else 0
    data = [line.partition(":")[2].strip() for line in lines(exchange.body[start:]) if line.partition(":")[0] == "data"]
    return "\n".join(data) if data else None


def has_done(exchange: Exchange) -> bool:
    """Whether `[DONE]` came."""
    return any(event.data.strip() == DONE for event in exchange.events)


def require_end(exchange: Exchange) -> None:
    """Nothing where all that the server had to say was read; else another check owns what is missing."""
    if exchange.error is not None:
        raise Inconclusive(f"the answer is not whole ({exchange.error.kind})")
    if not has_done(exchange):
        if exchange.left_open:
            raise Inconclusive("the stream was left open, so its end is not known")
        if unterminated(exchange) is not None:
            raise Inconclusive("the last event is not terminated")


@lru_cache(maxsize=32)
def data_events(exchange: Exchange) -> tuple[tuple[int, Any], ...]:
    """(index, parsed data) of each event but `[DONE]`; what is not JSON is owned by sse.data-is-json."""
    found = []
    for number, event in enumerate(exchange.events):
        if event.data.strip() == DONE:
            continue
        try:
            found.append((number, strict_json(event.data)))
        except ValueError as error:
            raise Inconclusive(f"event {number} is not JSON") from error
    return tuple(found)


def is_error_event(event: Event, data: Any) -> bool:
    """Whether an event is an error instead of a chunk."""
    if not isinstance(data, dict) or data.get("choices"):
        return False
    if data.get("object") == "error" or (isinstance(data.get("error"), (dict, str)) and data["error"]):
        return True
    return "choices" not in data and (event.event == "error" or "detail" in data)


def is_preamble(chunk: Any) -> bool:
    """Whether a chunk only tells of the prompt: a filter in front of a model sends one, without an id and choices."""
    return isinstance(chunk, dict) and chunk.get("choices") == [] and not chunk.get("id") and not chunk.get("usage")


@lru_cache(maxsize=32)
def numbered(exchange: Exchange) -> tuple[tuple[int, Mapping[str, Any]], ...]:
    """(index of the event, chunk) of each chunk; at least one. An error event is owned by stream.no-error-event."""
    if not is_event_stream(exchange):
        raise Inconclusive("the answer is no event stream")
    if exchange.error is not None:
        raise Inconclusive(f"the answer is not whole ({exchange.error.kind})")
    found: list[tuple[int, Mapping[str, Any]]] = []
    for number, data in data_events(exchange):
        if is_error_event(exchange.events[number], data):
            raise Inconclusive(f"event {number} is an error")
        if not isinstance(data, dict):
            raise Inconclusive(f"event {number} is not an object")
        found.append((number, data))
    if not found:
        raise Inconclusive("the stream has no chunk")
    return tuple(found)


def chunks(exchange: Exchange) -> tuple[Mapping[str, Any], ...]:
    """The chunks of a stream, without `[DONE]`."""
    return tuple(chunk for _, chunk in numbered(exchange))


def listed_choices(chunk: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The choices of a chunk or body that are objects; what else there is belongs to the schema."""
    choices = chunk.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def index(choice: Mapping[str, Any]) -> int:
    """The index of a choice; Inconclusive where it is no integer, which the schema owns."""
    found = choice.get("index")
    if isinstance(found, bool) or not isinstance(found, int):
        raise Inconclusive("a choice has no integer index")
    return found


def delta(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """The delta of a streamed choice; empty where it has none."""
    found = choice.get("delta")
    return found if isinstance(found, dict) else {}


def deltas(exchange: Exchange) -> dict[int, list[tuple[int, Mapping[str, Any]]]]:
    """By index of the choice: (index of the event, choice as streamed), in order."""
    table: dict[int, list[tuple[int, Mapping[str, Any]]]] = {}
    for number, chunk in numbered(exchange):
        for choice in listed_choices(chunk):
            table.setdefault(index(choice), []).append((number, choice))
    if not table:
        raise Inconclusive("no chunk has a choice")
    return table


@dataclass(frozen=True, slots=True)
class CallDelta:
    """One piece of a streamed tool call: where it stood, which call of the choice it continues, and what it says."""

    event: int
    choice: int
    index: int
    call: int
    first: bool
    delta: Mapping[str, Any]

    @property
    def function(self) -> Mapping[str, Any]:
        for kind in ("function", "custom"):
            found = self.delta.get(kind)
            if isinstance(found, dict):
                return found
        return {}


@lru_cache(maxsize=32)
def call_deltas(exchange: Exchange) -> tuple[CallDelta, ...]:
    """Every piece of a tool call. A new id together with a name begins a new call, even under an index already used."""
    return tuple(piece for choice, table in deltas(exchange).items() for piece in _call_deltas(choice, table))


def _call_deltas(choice: int, table: list[tuple[int, Mapping[str, Any]]]) -> Iterator[CallDelta]:
    current: dict[int, tuple[int, Any]] = {}  # index -> (which call, its id)
    begun = 0
    for number, streamed in table:
        pieces = delta(streamed).get("tool_calls")
        for piece in pieces if isinstance(pieces, list) else []:
            at = piece.get("index") if isinstance(piece, dict) else None
            if isinstance(at, bool) or not isinstance(at, int):
                raise Inconclusive("a tool-call delta has no integer index")
            made = CallDelta(number, choice, at, begun, True, piece)
            fresh = piece.get("id")
            if at in current:
                call, known = current[at]
                if not (fresh and known and fresh != known and made.function.get("name")):
                    current[at] = (call, known or fresh)
                    yield CallDelta(number, choice, at, call, False, piece)
                    continue
            current[at] = (begun, fresh)
            begun += 1
            yield made


@lru_cache(maxsize=32)
def joined(exchange: Exchange) -> dict[str, Any]:
    """A stream as the one body it adds up to: choices by index, their messages (or texts) put together, and usage."""
    chat = exchange.operation.id == "createChatCompletion"
    whole: dict[str, Any] = {"object": "chat.completion" if chat else "text_completion"}
    table: dict[int, dict[str, Any]] = {}
    for chunk in chunks(exchange):
        if not is_preamble(chunk):
            for name in ("id", "created", "model"):
                if name in chunk:
                    whole.setdefault(name, chunk[name])
        if isinstance(chunk.get("usage"), dict):
            whole["usage"] = chunk["usage"]
        for choice in listed_choices(chunk):
            _add(table, choice, chat)
    if chat:
        for piece in call_deltas(exchange) if table else ():
            _add_call(table[piece.choice]["message"], piece)
    whole["choices"] = [_mended(table[key]) for key in sorted(table)]
    return whole


def _add(table: dict[int, dict[str, Any]], choice: Mapping[str, Any], chat: bool) -> None:
    at = index(choice)
    into = table.setdefault(at, {"index": at, "finish_reason": None, "logprobs": None})
    if choice.get("finish_reason") is not None:
        into["finish_reason"] = choice["finish_reason"]
    records = choice.get("logprobs")
    if isinstance(records, dict):
        have = into["logprobs"] = into["logprobs"] or {}
        for name, value in records.items():
            if isinstance(value, list):
                have[name] = (have.get(name) or []) + value
            else:
                have.setdefault(name, value)
    if not chat:
        into["text"] = into.get("text", "") + _piece(choice.get("text"), "text")
        return
    message = into.setdefault("message", {"role": None, "content": None, "refusal": None})
    said = delta(choice)
    if message["role"] is None:
        message["role"] = said.get("role")
    for name in ("content", "refusal", *_THOUGHTS):
        if said.get(name) is not None and (name not in _THOUGHTS or isinstance(said[name], str)):
            message[name] = (message.get(name) or "") + _piece(said[name], name)


def _add_call(message: dict[str, Any], piece: CallDelta) -> None:
    table = message.setdefault("tool_calls", [])
    if piece.first:
        table.append({"id": None, "type": None, "function": {"name": None, "arguments": ""}})
    into = table[piece.call]
    into["id"] = into["id"] or piece.delta.get("id")
    into["type"] = into["type"] or piece.delta.get("type")
    into["function"]["name"] = into["function"]["name"] or piece.function.get("name")
    into["function"]["arguments"] += _piece(piece.function.get("arguments"), "arguments")


def _piece(value: Any, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Inconclusive(f"a piece of {name} is not a string")
    return value


def _mended(value: Any) -> Any:
    # JSON may write one character as two escapes, and a stream may part them: put together they are that character.
    if isinstance(value, str):
        if not _SURROGATE.search(value):
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    if isinstance(value, dict):
        return {name: _mended(item) for name, item in value.items()}
    return [_mended(item) for item in value] if isinstance(value, list) else value
