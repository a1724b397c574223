"""Legal variants that are odd: answers that say nothing, names of media types, order within streams."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json, Plant
from seatrial.server.plants.answers import answer
from seatrial.server.plants.legal_refusals import refuses
from seatrial.server.plants.shape import CHAT, COMPLETIONS, all_chunks, choices, each_chunk, result, result_of, variant

REFUSAL = "I cannot help with that."


def _refused(choice: Json) -> None:
    choice["message"] = {"role": "assistant", "content": None, "refusal": REFUSAL}
    choice.update(finish_reason="stop", logprobs=None)


def _only_ends(chunks: list[Json], first: Json, last: Json, reason: str) -> list[Json]:
    """Each choice begins with one delta and ends after another; what it said between is gone."""
    made: list[Json] = []
    begun = set()
    for chunk in chunks:
        if not chunk["choices"]:
            made.append(chunk)
        for choice in chunk["choices"]:
            bare = {"index": choice["index"], "logprobs": None, "finish_reason": None}
            if choice["index"] not in begun:
                begun.add(choice["index"])
                made.append({**chunk, "choices": [{**bare, "delta": first}]})
            if choice["finish_reason"]:
                made.append({**chunk, "choices": [{**bare, "delta": last}]})
                made.append({**chunk, "choices": [{**bare, "delta": {}, "finish_reason": reason}]})
    return made


def _is_free(body: Json) -> bool:
    wanted = body.get("response_format") or {}
    return not body.get("tools") and wanted.get("type", "text") == "text"


def _uncounted(made: Json) -> None:
    usage = made.get("usage")
    if usage:
        usage.update(completion_tokens=0, total_tokens=usage["prompt_tokens"], completion_tokens_details=None)


def _silent(body: Json, made: Json) -> None:
    if _is_free(body):
        _uncounted(made)
        for choice in made["choices"]:
            choice["message"]["content"] = ""
            choice.update(finish_reason="stop", logprobs=None)


def _silent_stream(body: Json, chunks: list[Json]) -> list[Json]:
    if not _is_free(body):
        return chunks
    made = _only_ends(chunks, {"role": "assistant", "content": ""}, {"content": ""}, "stop")
    for chunk in made:
        _uncounted(chunk)
    return made


def _own_details(made: Json) -> None:
    usage = made.get("usage")
    if usage:
        usage["prompt_tokens_details"] = {"cached_tokens": usage["prompt_tokens"], "cache_creation_tokens": 4096}


def _in_turn(body: Json, chunks: list[Json]) -> list[Json]:
    """All of one choice comes before the next, as of a server that makes them one by one."""
    if any(len(chunk["choices"]) > 1 for chunk in chunks):
        return chunks
    return sorted(chunks, key=lambda chunk: chunk["choices"][0]["index"] if chunk["choices"] else len(chunks))


def _alternating(body: Json, chunks: list[Json]) -> list[Json]:
    """The pieces of several calls come in turns."""
    calls: dict[Any, list[Json]] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            for delta in choice["delta"].get("tool_calls") or ():
                calls.setdefault((choice["index"], delta["index"]), []).append(chunk)
    if len(calls) < 2 or body.get("n", 1) != 1:
        return chunks
    mixed = [chunk for row in zip_longest(*calls.values()) for chunk in row if chunk is not None]
    places = [at for at, chunk in enumerate(chunks) if any(chunk is other for other in mixed)]
    return [*chunks[: places[0]], *mixed, *chunks[places[-1] + 1 :]]


def _media(name: str, least: int) -> Any:
    def change(status: int, headers: dict[str, str]) -> None:
        if status >= least and headers.get("content-type", "").partition(";")[0] == "application/json":
            headers["content-type"] = name

    return change


def _open_models(request: Request, body: bytes) -> Response | None:
    path = request.url.path.removeprefix("/v1")
    if request.method != "GET" or path != "/models" or request.headers.get("authorization"):
        return None
    model = {"id": "seatrial-chat", "object": "model", "created": 0, "owned_by": "seatrial"}
    return answer(200, {"object": "list", "data": [model]})


PLANTS: tuple[Plant, ...] = (
    variant("models-open", "the list of models is shown without a key, and nothing else", before=_open_models),
    variant(
        "refused",
        "the model refuses everything, in refusal",
        result=result(choices(_refused), CHAT),
        chunks=all_chunks(
            lambda body, chunks: _only_ends(
                chunks, {"role": "assistant", "content": None}, {"refusal": REFUSAL}, "stop"
            ),
            CHAT,
        ),
    ),
    variant(
        "says-nothing",
        "the model ends at once: an empty text, and no token",
        result=result_of(_silent, CHAT),
        chunks=all_chunks(_silent_stream, CHAT),
    ),
    variant(
        "usage-own-details",
        "usage has details of the server's own, which are no part of a count",
        result=result(_own_details, CHAT, COMPLETIONS),
        chunks=each_chunk(lambda at, chunk: _own_details(chunk)),
    ),
    variant("choices-in-turn", "the choices of a stream come one after the other", chunks=all_chunks(_in_turn)),
    variant("calls-alternate", "the pieces of several calls come in turns", chunks=all_chunks(_alternating, CHAT)),
    variant("media-type-case", "the media type is in capitals", headers=_media("Application/JSON; Charset=UTF-8", 200)),
    variant(
        "errors-problem-json", "errors are application/problem+json", headers=_media("application/problem+json", 400)
    ),
    variant("refuses-stop", "stop is refused by name", before=refuses("stop", path=CHAT)),
)
