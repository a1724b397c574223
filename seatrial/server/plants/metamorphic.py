"""Defects that only several requests side by side show."""

from __future__ import annotations

import base64
import itertools
import re
import struct
from collections.abc import Callable
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import CHAT, COMPLETIONS, EMBEDDINGS, all_chunks, defect, result_of

_count = itertools.count()
_streams = itertools.count()


def _said(made: Json, change: Callable[[str], str], start: int = 0) -> None:
    for choice in made["choices"][start:]:
        if isinstance(choice.get("text"), str):
            choice["text"] = change(choice["text"])
        elif isinstance(choice.get("message", {}).get("content"), str):
            choice["message"]["content"] = change(choice["message"]["content"])


def _another_when_short(body: Json, made: Json) -> None:
    if (body.get("max_tokens") or 99) < 6:
        _said(made, lambda text: f"Well {text}")


def _another_when_stopped(body: Json, made: Json) -> None:
    if body.get("stop"):
        _said(made, lambda text: f"Well {text}")


def _another_when_echoed(body: Json, made: Json) -> None:
    if body.get("echo") and body.get("logprobs") is None:
        _said(made, lambda text: f"{text} indeed")


def _another_in_batch(body: Json, made: Json) -> None:
    if isinstance(body.get("prompt"), list) and body.get("logprobs") is None and not body.get("echo"):
        _said(made, lambda text: f"{text} indeed", 1)


def _another_each_time(body: Json, made: Json) -> None:
    if body.get("temperature") == 0 and body.get("seed") is not None and body.get("logprobs") is None:
        _said(made, lambda text: f"{text} {'z' * (1 + next(_count) % 50)}")  # no stop word has a z


def _unended_now_and_then(body: Json, chunks: list[Json]) -> list[Json]:
    if next(_streams) % 9 == 8:
        for chunk in chunks:
            for choice in chunk["choices"]:
                choice["finish_reason"] = None
    return chunks


def _recount(made: Json, count: int) -> None:
    made["usage"].update(prompt_tokens=count, total_tokens=count + made["usage"]["completion_tokens"])


def _head_uncounted(body: Json, made: Json) -> None:
    if body["messages"][0]["role"] in ("system", "developer"):
        _recount(made, 5)


def _parts_counted_twice(body: Json, made: Json) -> None:
    if any(isinstance(message.get("content"), list) for message in body["messages"]):
        _recount(made, made["usage"]["prompt_tokens"] + 4)


def _sorted(body: Json, made: Json) -> None:
    """The vectors come in the order of the texts' lengths."""
    texts = body["input"]
    if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        vectors = [made["data"][at]["embedding"] for at in order]
        for row, vector in zip(made["data"], vectors, strict=True):
            row["embedding"] = vector


def _long(body: Json, made: Json) -> None:
    for row in made["data"]:
        if isinstance(row["embedding"], str):
            data = base64.b64decode(row["embedding"])
            form = f"<{len(data) // 4}f"
            data = struct.pack(form, *(2 * value for value in struct.unpack(form, data)))
            row["embedding"] = base64.b64encode(data).decode("ascii")
        else:
            row["embedding"] = [2 * value for value in row["embedding"]]


def _planted(
    check: str, summary: str, change: Callable[[Json, Json], None], *routes: str, level: str = "SHOULD", also: str = ""
) -> Any:
    area = "embeddings" if routes == (EMBEDDINGS,) else "chat"
    trips = (check, also) if also else (check,)
    return defect(f"{check}/planted", area, summary, *trips, level=level, result=result_of(change, *routes))


def _leaking() -> Callable[[str, str], str]:
    """What the model says has the mark that the request before it asked for."""
    seen = [""]

    def speak(prompt: str, text: str) -> str:
        found = re.findall(r"mark-[0-9a-f]{8}", prompt)
        last, seen[0] = seen[0], found[-1] if found else seen[0]
        return f"{last} {text}" if found and last else text

    return speak


PLANTS = (
    defect(
        "answers.not-mixed/planted", "chat", "an answer begins with another's", "answers.not-mixed", text=_leaking()
    ),
    defect(
        "stream.one-terminal/now-and-then",
        "chat streaming",
        "every ninth stream ends without a finish_reason",
        "stream.one-terminal",
        source="vllm-project/vllm#27572",
        chunks=all_chunks(_unended_now_and_then, CHAT),
    ),
    _planted("limits.prefix-of-longer", "a short answer is not the beginning of a long one", _another_when_short, CHAT),
    _planted("stop.prefix-of-uncut", "with a stop sequence another answer is given", _another_when_stopped, CHAT),
    _planted("completions.echo-adds-prompt", "with echo another answer is given", _another_when_echoed, COMPLETIONS),
    _planted("completions.batch-equals-singles", "in a batch another answer is given", _another_in_batch, COMPLETIONS),
    _planted("answers.repeatable", "a seed settles nothing", _another_each_time, CHAT, COMPLETIONS, level="MAY"),
    _planted(
        "usage.prompt-grows",
        "a prompt with a system message is counted as five",
        _head_uncounted,
        CHAT,
        also="chat.*/must/body",
    ),
    _planted("usage.parts-equal-text", "parts cost more than their text", _parts_counted_twice, CHAT),
    _planted("embeddings.batch-permuted", "vectors are sorted by length", _sorted, EMBEDDINGS, level="MUST"),
    _planted("embeddings.unit-norm", "vectors have length 2", _long, EMBEDDINGS, level="MAY"),
)
