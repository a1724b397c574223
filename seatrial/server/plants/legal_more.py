"""Legal variants: answers from a cache, a call that is declined, a template that takes turns in one order only."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json, Plant
from seatrial.server.plants.answers import error, when
from seatrial.server.plants.shape import CHAT, COMPLETIONS, GENERATIONS, all_chunks, each_chunk, result, variant

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_WAYS = ("stream", "stream_options")


def _declined(request: Request, body: bytes) -> Response | None:
    if request.method == "GET" and "/models/" in request.url.path:
        return error(501, "One model by its id is not offered.", None, "not_implemented")
    return None


def _out_of_turn(found: Json) -> bool:
    """Whether a template of one system message, then user and assistant in turns, has no place for what is said."""
    listed = found.get("messages")
    said = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    turns = [one.get("role") for one in said]
    if turns[:1] in (["system"], ["developer"]):
        turns = turns[1:]
    blank = any(one.get("role") == "user" and not str(one.get("content")).strip() for one in said)
    wrong = turns[:1] != ["user"] or turns[-1] == "assistant" or "system" in turns
    return bool(turns) and (blank or wrong or ("user", "user") in itertools.pairwise(turns))


def _said(rows: Iterable[Json]) -> dict[int, list[str]]:
    """What each choice comes to, in one body or in many chunks."""
    found: dict[int, list[str]] = {}
    for row in rows:
        for choice in row["choices"]:
            text, ended, called = found.setdefault(choice["index"], ["", "", ""])
            told = choice.get("message") or choice.get("delta") or choice
            for call in told.get("tool_calls") or ():
                called += (call["function"].get("name") or "") + call["function"].get("arguments", "")
            text += told.get("content") or told.get("text") or ""
            found[choice["index"]] = [text, choice["finish_reason"] or ended, called]
    return found


def _in_one_piece(body: Json, chunks: list[Json]) -> list[Json]:
    """Each call comes in one delta, its arguments whole."""
    if any(len(chunk["choices"]) > 1 for chunk in chunks):
        return chunks
    made: list[Json] = []
    begun: dict[tuple[int, int], Json] = {}
    for chunk in chunks:
        choice: Json = next(iter(chunk["choices"]), {"index": 0, "delta": {}})
        calls = choice["delta"].get("tool_calls") or ()
        known = [call for call in calls if (choice["index"], call["index"]) in begun]
        for call in calls:
            first = begun.setdefault((choice["index"], call["index"]), call)
            if first is not call:
                first["function"]["arguments"] += call["function"].get("arguments", "")
        if not known:
            made.append(chunk)
    return made


def _as_floats(made: Json) -> None:
    """Counts and times as a writer makes them that knows one kind of number: 7.0 is an integer to JSON Schema."""
    usage = made.get("usage") or {}
    usage.update({name: float(usage[name]) for name in _COUNTS if name in usage})
    made["created"] = float(made["created"])


class _Cache:
    """One id and one time for the same answer to the same request, plain or streamed, where nothing is left to chance."""

    def __init__(self) -> None:
        self.times: dict[str, int] = {}

    def named(self, route: str, body: Json, rows: list[Json]) -> list[Json]:
        if route not in GENERATIONS or body.get("temperature") != 0 or body.get("store") or not rows:
            return rows
        asked = {name: value for name, value in body.items() if name not in _WAYS}
        whole = json.dumps([route, asked, _said(rows)], sort_keys=True)
        id = "chatcmpl-" + hashlib.blake2s(whole.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        created = self.times.setdefault(id, rows[0]["created"])
        return [{**row, "id": id, "created": created} for row in rows]

    def result(self, route: str, body: Json, made: Any) -> Any:
        return self.named(route, body, [made])[0] if route in GENERATIONS and isinstance(made, dict) else made

    def chunks(self, route: str, body: Json, chunks: Iterator[Json]) -> Iterable[Json]:
        return self.named(route, body, list(chunks)) if route in GENERATIONS else chunks


_CACHE = _Cache()

PLANTS: tuple[Plant, ...] = (
    variant("turns-alternate", "turns that a template has no place for are refused", before=when(_out_of_turn, lambda found: error(400, "Roles must alternate, and each say something.", "messages", "invalid_value"), CHAT)),
    variant("one-model-501", "one model by its id is not offered: 501", before=_declined),
    variant("kept-answers", "a cache gives an answer again, with its id and its time", result=_CACHE.result, chunks=_CACHE.chunks),
    variant("stop-422", "stop is not supported, which is said by 422", before=when(lambda found: found.get("stop") is not None, lambda found: error(422, "stop is not supported.", "stop", None), CHAT)),
    variant("calls-in-one-piece", "each streamed call comes in one delta", chunks=all_chunks(_in_one_piece, CHAT)),
    variant("numbers-as-floats", "whole numbers are written as 7.0", result=result(_as_floats, CHAT, COMPLETIONS), chunks=each_chunk(lambda at, chunk: _as_floats(chunk))),
)  # fmt: skip
