"""POST /completions, the legacy endpoint."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seatrial.server import language, tokens
from seatrial.server import validate as v
from seatrial.server.chat import CONTEXT
from seatrial.server.plant import Json, Plants
from seatrial.server.refuse import bad

RULES: dict[str, v.Rule] = {
    **v.SAMPLING,
    "max_tokens": v.number(0, None, whole=True),
    "best_of": v.number(0, 20, whole=True),
    "logprobs": v.number(0, 5, whole=True),
    "echo": v.boolean,
    "suffix": v.text(),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One text: its prompt's tokens where they are echoed, its own tokens, and why it ended."""

    index: int
    echoed: list[bytes]
    pieces: list[bytes]
    finish: str


def prompts(body: Json) -> list[str]:
    """The prompts of a request, as texts. Raises Refused where they are none."""
    given = body.get("prompt")
    if given is None:
        return [""]  # the beginning of a new document
    if isinstance(given, str):
        return [given]
    if isinstance(given, list) and given:
        if all(_is_token(item) for item in given):
            return [tokens.decode(given)]
        if all(isinstance(item, str) for item in given):
            return list(given)
        if all(isinstance(item, list) and item and all(_is_token(one) for one in item) for item in given):
            return [tokens.decode(item) for item in given]
    raise bad(
        "prompt",
        "Invalid type for 'prompt': expected a string, an array of strings, tokens, or token arrays.",
        "invalid_type",
    )


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31


def validate(body: Json, known: dict[str, Any]) -> None:
    """Raises Refused at the first fault of a request."""
    model = v.model(body, known)
    if not known[model].get("completions"):
        raise bad("model", f"This model does not serve completions: '{model}'.", "model_not_supported")
    v.members(body, RULES, {"model", "prompt"})
    if "prompt" not in body:
        v.required(body, "prompt")
    v.streaming(body)
    best = body.get("best_of")
    if best is not None and best < (body.get("n") or 1):
        raise bad("best_of", "'best_of' must be at least 'n'.", "invalid_value")
    if best is not None and best > 1 and body.get("stream"):
        raise bad("best_of", "'best_of' cannot be streamed.", "invalid_value")
    size = sum(tokens.count(prompt) if len(prompt) < 40 * CONTEXT else len(prompt) // 8 for prompt in prompts(body))
    if size > CONTEXT:
        raise bad(
            "prompt",
            f"This model's maximum context length is {CONTEXT} tokens; your prompt has {size}.",
            "context_length_exceeded",
        )


def _say(body: Json, prompt: str, place: int, plants: Plants) -> tuple[list[bytes], str]:
    seed = "" if body.get("temperature") == 0 and not place else f"{body.get('seed', secrets.token_hex(4))}/{place}"
    text = " " + language.answer(prompt, seed + (body.get("suffix") or ""))
    for speak in plants.each("text"):
        text = speak(prompt, text)
    text = language.biased(text, body.get("logit_bias"))
    stops = body.get("stop")
    text, _ = language.cut_at_stop(text, [stops] if isinstance(stops, str) else stops or [])
    limit = body.get("max_tokens")
    pieces, cut = language.limited(text, 16 if limit is None else limit)
    return pieces, "length" if cut else "stop"


def answer(body: Json, plants: Plants, created: int) -> tuple[Json, list[Row]]:
    """The completion without its choices, and its rows."""
    n = body.get("n") or 1
    best = max(body.get("best_of") or n, n)
    rows: list[Row] = []
    read = wrote = 0
    for prompt in prompts(body):
        read += max(tokens.count(prompt + (body.get("suffix") or "")), 1)
        for place in range(best):
            pieces, finish = _say(body, prompt, place, plants)
            wrote += len(pieces)
            if place < n:
                rows.append(Row(len(rows), tokens.split(prompt) if body.get("echo") else [], pieces, finish))
    usage = {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
    whole = {
        "id": "cmpl-" + secrets.token_hex(12),
        "object": "text_completion",
        "created": created,
        "model": body["model"],
        "system_fingerprint": "fp_seatrial",
        "usage": usage,
    }
    return whole, rows


def _logprobs(body: Json, row: Row, pieces: list[bytes], start: int, offset: int) -> Json | None:
    wanted = body.get("logprobs")
    if wanted is None:
        return None
    found: Json = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    for place, piece in enumerate(pieces, start):
        text = piece.decode("utf-8", "replace")
        first = place == 0 and bool(row.echoed)
        top = {t.decode("utf-8", "replace"): p for t, p in language.alternatives(piece, place, "", wanted)}
        found["tokens"].append(text)
        found["token_logprobs"].append(None if first else language.logprob(piece, place, ""))
        found["top_logprobs"].append(None if first or not wanted else top)
        found["text_offset"].append(offset)
        offset += len(text)
    return found


def plain(body: Json, whole: Json, rows: list[Row]) -> Json:
    """The completion as one body."""
    choices = []
    for row in rows:
        pieces = row.echoed + row.pieces
        text = b"".join(pieces).decode("utf-8", "replace")
        choices.append(
            {
                "index": row.index,
                "text": text,
                "logprobs": _logprobs(body, row, pieces, 0, 0),
                "finish_reason": row.finish,
            }
        )
    return {**whole, "choices": choices}


def chunks(body: Json, whole: Json, rows: list[Row]) -> Iterator[Json]:
    """The completion as the chunks of a stream."""
    with_usage = (body.get("stream_options") or {}).get("include_usage") is True
    usage = whole.pop("usage")

    def chunk(choices: list[Json], counted: Json | None = None) -> Json:
        return {**whole, "choices": choices, **({"usage": counted} if with_usage else {})}

    for row in rows:
        held: list[bytes] = []
        start = offset = 0
        for piece in row.echoed + row.pieces:
            held.append(piece)
            try:
                text = b"".join(held).decode("utf-8")
            except UnicodeDecodeError:
                continue
            logprobs = _logprobs(body, row, held, start, offset)
            yield chunk([{"index": row.index, "text": text, "logprobs": logprobs, "finish_reason": None}])
            start, offset, held = start + len(held), offset + len(text), []
        yield chunk([{"index": row.index, "text": "", "logprobs": None, "finish_reason": row.finish}])
    if with_usage:
        yield chunk([], usage)
