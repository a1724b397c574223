"""POST /chat/completions."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seatrial.server import generate, language, messages, tokens
from seatrial.server import validate as v
from seatrial.server.plant import Json, Plants
from seatrial.server.refuse import bad

CONTEXT = 8192
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
RULES: dict[str, v.Rule] = {
    **v.SAMPLING,
    "max_tokens": v.number(1, None, whole=True),
    "max_completion_tokens": v.number(1, None, whole=True),
    "logprobs": v.boolean,
    "top_logprobs": v.number(0, 20, whole=True),
    "reasoning_effort": v.one_of(*EFFORTS),
    "verbosity": v.one_of("low", "medium", "high"),
    "service_tier": v.one_of("auto", "default", "flex", "scale", "priority", "fast"),
    "store": v.boolean,
    "metadata": v.metadata,
    "safety_identifier": v.text(64),
    "prompt_cache_key": v.text(),
    "prompt_cache_retention": v.one_of("in-memory", "24h"),
    "modalities": v.array_of("text"),
    "prediction": v.object_or_null,
    "web_search_options": v.object_or_null,
    "audio": v.object_or_null,
}
_OTHER = {"model", "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What one choice says: text pieces or calls, and why it ended."""

    index: int
    pieces: list[bytes]
    calls: list[tuple[str, str, str]]
    finish: str
    used: int

    @property
    def text(self) -> str:
        return b"".join(self.pieces).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything of one completion, before it is written plain or as a stream."""

    id: str
    created: int
    body: Json
    choices: list[Choice]
    usage: Json
    prompt: str


def validate(body: Json, known: dict[str, Any], origin: str) -> None:
    """Raises Refused at the first fault of a request."""
    model = v.model(body, known)
    if not known[model].get("chat"):
        raise bad("model", f"This is not a chat model: '{model}'.", "model_not_supported")
    v.members(body, RULES, _OTHER)
    messages.validate(body.get("messages"), bool(known[model].get("vision")), origin)
    messages.tools(body.get("tools"), body.get("tool_choice"), body.get("parallel_tool_calls"))
    messages.response_format(body.get("response_format"))
    v.streaming(body)
    if body.get("top_logprobs") is not None and body.get("logprobs") is not True:
        raise bad("top_logprobs", "'top_logprobs' is only allowed when 'logprobs' is true.", "invalid_value")
    prompt, images = messages.prompt_of(body["messages"])
    size = tokens.count(prompt) + images * messages.IMAGE_TOKENS if len(prompt) < 40 * CONTEXT else len(prompt) // 8
    if size > CONTEXT:
        raise bad(
            "messages",
            f"This model's maximum context length is {CONTEXT} tokens; your messages have {size}.",
            "context_length_exceeded",
        )


def answer(body: Json, plants: Plants, created: int, effort: str | None = None) -> Answer:
    """The completion of a valid request; `effort` is what the model puts in unasked."""
    prompt, images = messages.prompt_of(body["messages"])
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    effort = body.get("reasoning_effort") or effort
    reasoning = EFFORTS.index(effort) * 4 if effort else 0
    found = [_choice(body, index, prompt, limit, plants) for index in range(body.get("n") or 1)]
    read = tokens.count(prompt) + 3 * len(body["messages"]) + images * messages.IMAGE_TOKENS
    read += sum(tokens.count(messages.compact(tool)) for tool in body.get("tools") or [])
    # Hidden reasoning is written within the limit too.
    hidden = [min(reasoning, (limit or CONTEXT) - c.used) for c in found]
    wrote = sum(c.used for c in found) + sum(hidden)
    usage = {
        "prompt_tokens": read,
        "completion_tokens": wrote,
        "total_tokens": read + wrote,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": sum(hidden),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    return Answer("chatcmpl-" + secrets.token_hex(12), created, body, found, usage, prompt)


def _choice(body: Json, index: int, prompt: str, limit: int | None, plants: Plants) -> Choice:
    role, asked = messages.last_text(body["messages"])
    seed = _seed(body, index)
    offered = messages.tools(body.get("tools"), body.get("tool_choice"), body.get("parallel_tool_calls"))
    names = _called(body, offered, role, asked)
    if names:
        return _calls(body, index, [(name, offered[name]) for name in names], limit, seed)
    wanted = messages.response_format(body.get("response_format"))
    if wanted and wanted["type"] == "json_schema":
        text = messages.compact(generate.value(wanted["json_schema"]["schema"], prompt + seed))
    elif wanted:
        text = messages.compact({"answer": language.answer(asked, seed, 6)})
    elif role in ("tool", "function"):
        text = f"The result is: {asked}"
    else:
        text = language.answer(asked, prompt + seed)
    if not wanted:
        for speak in plants.each("text"):
            text = speak(asked, text)
    if not wanted:
        # A bias would break the JSON that was asked for: there the grammar has the last word.
        text = language.biased(text, body.get("logit_bias"))
    stops = body.get("stop")
    text, stopped = language.cut_at_stop(text, [stops] if isinstance(stops, str) else stops or [])
    pieces, cut = language.limited(text, limit)
    used = min(limit, tokens.count(text)) if cut and limit else len(pieces)
    return Choice(index, pieces, [], "length" if cut and not (stopped and not cut) else "stop", max(used, 1))


def _seed(body: Json, index: int) -> str:
    if body.get("temperature") == 0 and not index:
        return ""
    seed = body.get("seed")
    return f"{seed if seed is not None else secrets.token_hex(4)}/{index}"


def _called(body: Json, offered: dict[str, Any], role: str, asked: str) -> list[str]:
    """Which functions are called: those that must be, or that the user speaks of."""
    choice = body.get("tool_choice", "auto")
    if not offered or choice == "none":
        return []
    if isinstance(choice, dict) and choice["type"] in ("function", "custom"):
        return [choice[choice["type"]]["name"]]
    if isinstance(choice, dict):
        allowed = {tool[tool["type"]]["name"] for tool in choice["allowed_tools"]["tools"]}
        offered = {name: function for name, function in offered.items() if name in allowed}
        choice = choice["allowed_tools"]["mode"]
    spoken = [name for name in offered if role == "user" and _speaks_of(asked, name)]
    if choice == "required" and not spoken:
        spoken = list(offered)[:1]
    if body.get("parallel_tool_calls") is False:
        return spoken[:1]
    # One function asked for two things is called twice.
    return spoken * 2 if len(spoken) == 1 and _TWO.search(asked) else spoken


_TWO = re.compile(r"\bboth\b|\b(?:in|of|for) [A-Z]\w+ and (?:(?:in|of|for) )?[A-Z]\w+")


def _speaks_of(asked: str, name: str) -> bool:
    said = asked.lower()
    words = [word for word in name.lower().replace("-", "_").split("_") if len(word) > 3]
    return name.lower() in said or any(word in said for word in words)


def _calls(body: Json, index: int, functions: list[tuple[str, Json]], limit: int | None, seed: str) -> Choice:
    prompt = messages.prompt_of(body["messages"])[0]
    calls, used, cut = [], 0, False
    for place, (name, function) in enumerate(functions):
        schema = function.get("parameters") or {"type": "object"}
        arguments = messages.compact(generate.value(schema, f"{prompt}{name}{seed}{place or ''}"))
        if _is_custom(body, name):
            arguments = language.answer(name, f"{prompt}{name}{seed}{place or ''}")
        pieces = tokens.split(arguments)
        room = len(pieces) if limit is None else max(0, limit - used - 1)
        kept, short = language.limited(arguments, room)
        used += 1 + len(kept)
        mark = hashlib.blake2s(f"{secrets.token_hex(4)}{name}".encode(), digest_size=12).hexdigest()
        calls.append((f"call_{mark}", name, b"".join(kept).decode()))
        if short:
            cut = True
            break
    forced = isinstance(body.get("tool_choice"), dict) and body["tool_choice"]["type"] != "allowed_tools"
    finish = "length" if cut else "stop" if forced else "tool_calls"
    return Choice(index, [], calls, finish, min(used, limit) if limit else used)


def _is_custom(body: Json, name: str) -> bool:
    return any(tool.get("type") == "custom" and tool["custom"]["name"] == name for tool in body["tools"])


def _named(answer: Answer, name: str, text: str) -> Json:
    """What a call is of, and what it says."""
    custom = _is_custom(answer.body, name)
    return {"custom": {"name": name, "input": text}} if custom else {"function": {"name": name, "arguments": text}}


def _logprobs(answer: Answer, choice: Choice, pieces: list[bytes], start: int = 0) -> Json | None:
    if answer.body.get("logprobs") is not True:
        return None
    rows = []
    for place, piece in enumerate(pieces, start):
        row = _entry(piece, language.logprob(piece, place, answer.prompt))
        top = language.alternatives(piece, place, answer.prompt, answer.body.get("top_logprobs") or 0)
        row["top_logprobs"] = [_entry(other, value) for other, value in top]
        rows.append(row)
    return {"content": rows, "refusal": None}


def _entry(piece: bytes, logprob: float) -> Json:
    return {"token": piece.decode("utf-8", "replace"), "logprob": logprob, "bytes": list(piece)}


def plain(answer: Answer) -> Json:
    """The completion as one body."""
    rows = []
    for choice in answer.choices:
        message: Json = {
            "role": "assistant",
            "content": None if choice.calls else choice.text,
            "refusal": None,
            "annotations": [],
        }
        if choice.calls:
            message["tool_calls"] = [
                {"id": id, "type": next(iter(named)), **named}
                for id, name, arguments in choice.calls
                for named in [_named(answer, name, arguments)]
            ]
        logprobs = _logprobs(answer, choice, choice.pieces)
        rows.append({"index": choice.index, "message": message, "logprobs": logprobs, "finish_reason": choice.finish})
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.body["model"],
        "choices": rows,
        "usage": answer.usage,
        "service_tier": "default",
        "system_fingerprint": "fp_seatrial",
    }


def chunks(answer: Answer) -> Iterator[Json]:
    """The completion as the chunks of a stream; choices take turns."""
    with_usage = (answer.body.get("stream_options") or {}).get("include_usage") is True

    def chunk(rows: list[Json], usage: Json | None = None) -> Json:
        made: Json = {
            "id": answer.id,
            "object": "chat.completion.chunk",
            "created": answer.created,
            "model": answer.body["model"],
            "service_tier": "default",
            "system_fingerprint": "fp_seatrial",
            "choices": rows,
        }
        if with_usage:
            made["usage"] = usage
        return made

    def row(choice: Choice, delta: Json, logprobs: Json | None = None, finish: str | None = None) -> Json:
        return {"index": choice.index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}

    streams = [_deltas(answer, choice) for choice in answer.choices]
    for choice in answer.choices:
        content = None if choice.calls else ""
        yield chunk([row(choice, {"role": "assistant", "content": content, "refusal": None})])
    running = list(zip(answer.choices, streams, strict=True))
    while running:
        for pair in list(running):
            choice, deltas = pair
            step = next(deltas, None)
            if step is None:
                running.remove(pair)
                yield chunk([row(choice, {}, None, choice.finish)])
            else:
                yield chunk([row(choice, step[0], step[1])])
    if with_usage:
        yield chunk([], answer.usage)


def _deltas(answer: Answer, choice: Choice) -> Iterator[tuple[Json, Json | None]]:
    for index, (id, name, arguments) in enumerate(choice.calls):
        named = _named(answer, name, "")
        kind = next(iter(named))
        said = "input" if kind == "custom" else "arguments"
        yield {"tool_calls": [{"index": index, "id": id, "type": kind, **named}]}, None
        for at in range(0, len(arguments), 12):
            yield {"tool_calls": [{"index": index, kind: {said: arguments[at : at + 12]}}]}, None
    held: list[bytes] = []
    start = 0
    for piece in choice.pieces:
        held.append(piece)
        try:
            text = b"".join(held).decode("utf-8")
        except UnicodeDecodeError:
            continue
        yield {"content": text}, _logprobs(answer, choice, held, start)
        start += len(held)
        held = []


def dumps(value: Any) -> bytes:
    """JSON as this server writes it."""
    # A lone surrogate, which a request may smuggle in by \\u, has no UTF-8.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
