"""The bytes of streamed events. All that does not differ between two streams is built once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any

import orjson

from seatrial.simulator.ask import Ask
from seatrial.simulator.http import frame
from seatrial.simulator.plain import created, usage, words

DONE = frame(b"data: [DONE]\n\n")
CYCLE = 32
"""The answers' words repeat after so many."""


@dataclass(slots=True)
class Script:
    """All events of a stream, framed as chunks: before the first token, with tokens (empty: a silent step), after."""

    opening: list[bytes]
    events: Iterator[bytes]
    closing: list[bytes]
    mark: bytes
    """The id that tells this stream's events from another's."""
    media: str = "text/event-stream; charset=utf-8"


def _data(value: Any) -> bytes:
    return frame(b"data: " + orjson.dumps(value) + b"\n\n")


@lru_cache(256)
def _parts(before: bytes, after: bytes, per: int, length: int) -> list[tuple[bytes, bytes]]:
    """What stands before and after the part that is a stream's own, for each event of the cycle of words."""
    parts = []
    for number in range(CYCLE // gcd(CYCLE, per)):
        rest = before + words(number * per, per).encode() + after
        parts.append((b"%x\r\n" % (6 + length + len(rest) + 2) + b"data: ", rest + b"\n\n\r\n"))
    return parts


def _tokens(own: bytes, before: bytes, after: bytes, tokens: int, per: int, nonce: str | None) -> Iterator[bytes]:
    parts = _parts(before, after, per, len(own))
    cycle = len(parts)
    start = 0
    if nonce is not None:
        text = words(0, min(per, tokens), nonce).encode()
        yield frame(b"data: " + own + before + text + after + b"\n\n")
        start = 1
    full, rest = divmod(tokens, per)
    for number in range(start, full):
        a, b = parts[number % cycle]
        yield a + own + b
    if rest and full >= start:
        yield frame(b"data: " + own + before + words(full * per, rest).encode() + after + b"\n\n")


def _both(first: Iterator[bytes], then: Iterator[bytes]) -> Iterator[bytes]:
    yield from first
    yield from then


def chat(ask: Ask, id: str, per: int, more: int) -> Script:
    """A streamed chat completion, whose usage says so many tokens more than there were."""
    nothing: dict[str, Any] = {"usage": None} if ask.usage else {}
    base = {"id": id, "object": "chat.completion.chunk", "created": created(), "model": ask.model}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return base | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]} | nothing

    own, _, _ = orjson.dumps(base).partition(b',"model"')

    def split(name: str) -> tuple[bytes, bytes]:
        before, _, after = orjson.dumps(chunk({name: "%%"})).rpartition(b"%%")
        return before[len(own) :], after

    events = _tokens(own, *split("content"), ask.answer, per, ask.nonce)
    if ask.reasoning:
        events = _both(_tokens(own, *split("reasoning_content"), ask.reasoning, per, None), events)
    closing = [_data(chunk({}, ask.finish if ask.tokens else "stop"))]
    if ask.usage:
        closing.append(_data(base | {"choices": [], "usage": usage(ask, more)}))
    role = {"role": "assistant", "content": "", "refusal": None}
    return Script([_data(chunk(role))], events, [*closing, DONE], id.encode())


def completions(ask: Ask, id: str, per: int, more: int) -> Script:
    """A streamed text completion."""
    nothing: dict[str, Any] = {"usage": None} if ask.usage else {}
    base = {"id": id, "object": "text_completion", "created": created(), "model": ask.model}

    def chunk(text: str, finish: str | None = None) -> dict[str, Any]:
        return base | {"choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": finish}]} | nothing

    own, _, _ = orjson.dumps(base).partition(b',"model"')
    before, _, after = orjson.dumps(chunk("%%")).rpartition(b"%%")
    closing = [_data(chunk("", ask.finish))]
    if ask.usage:
        closing.append(_data(base | {"choices": [], "usage": usage(ask, more)}))
    events = _tokens(own, before[len(own) :], after, ask.tokens, per, ask.nonce)
    return Script([], events, [*closing, DONE], id.encode())


def speech(ask: Ask, id: str, per: int, more: int) -> Script:
    """Audio: 20 ms of silence for each word, as 16-bit PCM of 24 kHz."""
    full, rest = divmod(ask.tokens, per)
    sizes = [per] * full + [rest] * bool(rest)
    return Script([], (frame(bytes(960 * size)) for size in sizes), [], id.encode(), "audio/pcm")
