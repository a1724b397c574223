"""Defects that show only where parameters meet, or in a later round."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.responses_shape import RESPONSES, SHOWN, all_events, each_event, items_of
from seatrial.server.plants.shape import (  # fmt: skip
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    all_chunks,
    calls,
    defect,
    delta_calls,
    ignoring,
    result,
    result_of,
    variant,
)

When = Callable[[str, Json], bool]
SHOULD = {"level": "SHOULD"}


def _ignoring(*names: str, when: When) -> Callable[[str, Json], Json]:
    """These parameters are dropped of such requests."""
    return lambda route, body: ignoring(*names)(route, body) if when(route, body) else body


def _stops(route: str, body: Json, keep: Callable[[str], bool]) -> Json:
    stop = body.get("stop")
    listed = [stop] if isinstance(stop, str) else stop
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        return body
    return {**body, "stop": [one for one in listed if keep(one)] or None}


def _has_result(route: str, body: Json) -> bool:
    return "tool" in [one.get("role") for one in body.get("messages") or () if isinstance(one, dict)]


def _is_later(route: str, body: Json) -> bool:
    return route == CHAT and isinstance(body.get("messages"), list) and len(body["messages"]) > 2


def _has_image(route: str, body: Json) -> bool:
    return '"image_url"' in str(body.get("messages")).replace("'", '"')


def _numbered(place: int, call: Json) -> None:
    call["id"] = f"call_{place}"


def _numbered_delta(first: bool, call: Json) -> None:
    if first:
        call["id"] = f"call_{call['index']}"


def _numbered_item(item: Json) -> None:
    if item["type"] == "function_call":
        item["call_id"] = "call_0"


def _first_alone(body: Json, made: Json) -> None:
    """The choices after the first go on beyond the stop sequence."""
    stop: Any = body.get("stop")
    for choice in made["choices"][1:] if stop else ():
        choice["message"]["content"] += (stop if isinstance(stop, str) else stop[-1]) + " more"


def _by_turns(body: Json, made: Json) -> None:
    """First the first choice of each prompt, then the second of each."""
    prompts, n = body.get("prompt"), body.get("n") or 1
    if isinstance(prompts, list) and prompts and n > 1 and isinstance(prompts[0], (str, list)):
        for choice in made["choices"]:
            prompt, number = divmod(choice["index"], n)
            choice["index"] = number * len(prompts) + prompt
        made["choices"].sort(key=lambda choice: choice["index"])


def _without_usage(when: Callable[[Json], Any]) -> Callable[[Json, list[Json]], list[Json]]:
    return lambda body, chunks: [one for one in chunks if not (when(body) and one.get("usage"))]


def _usage_with_choice(body: Json, chunks: list[Json]) -> list[Json]:
    for chunk in chunks:
        if body.get("stop") and chunk.get("usage"):
            chunk["choices"] = [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]
    return chunks


def _read_each(body: Json, chunks: list[Json]) -> list[Json]:
    for usage in [chunk["usage"] for chunk in chunks if chunk.get("usage")]:
        usage["prompt_tokens"] *= body.get("n") or 1
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    return chunks


def _unscored(body: Json, made: Json) -> Json:
    for choice in made["choices"] if body.get("tools") else ():
        choice["logprobs"] = None
    return made


def _first_scored(body: Json, made: Json) -> None:
    for choice in made["choices"][1:]:
        choice["logprobs"] = made["choices"][0]["logprobs"]


def _one_line(body: Json, chunks: list[Json]) -> list[Json]:
    for choice in [choice for chunk in chunks for choice in chunk["choices"]]:
        if choice["delta"].get("content"):
            choice["delta"]["content"] = choice["delta"]["content"].replace("\n", "")
    return chunks


def _hours_ahead(body: Json, made: Json) -> Json:
    """The time is that of a clock on the wall, east of Greenwich."""
    made["created"] += 7200
    return made


def _as_markup(body: Json, made: Json) -> None:
    for choice in made["choices"]:
        if choice["message"]["content"]:
            choice["message"]["content"] = html.escape(choice["message"]["content"], quote=False)


def _in_one(events: list[Json]) -> list[Json]:
    """The first delta of each text has all of it."""
    made: dict[tuple[int, int], Json] = {}
    rest = []
    for event in events:
        place = (event.get("output_index", 0), event.get("content_index", 0))
        if event["type"] == "response.output_text.delta":
            first = made.get(place)
            if first is not None:
                first["delta"] += event["delta"]
                if "logprobs" in first:
                    first["logprobs"] += event["logprobs"]
                continue
            made[place] = event
        rest.append(event)
    return rest


def _unscored_schema(body: Json, chunks: list[Json]) -> list[Json]:
    for choice in [choice for chunk in chunks for choice in chunk["choices"] if body.get("response_format")]:
        choice["logprobs"] = None
    return chunks


def _one_top(body: Json, made: Json) -> None:
    for table in [choice["logprobs"] for choice in made["choices"] if choice["logprobs"]]:
        table["top_logprobs"] = [dict(list((row or {}).items())[:1]) for row in table["top_logprobs"]]


def _one_long(route: str, body: Json) -> Json:
    text = body.get("input")
    return {**body, "input": "long"} if route == EMBEDDINGS and isinstance(text, str) and text.count(" ") > 30 else body


STREAMED: When = lambda route, body: bool(body.get("stream"))  # noqa: E731

PLANTS = (
    defect("tools.call-ids-new/numbered", "tools", "calls are numbered from 0 in each answer", "tools.call-ids-new", source="open-webui/open-webui#28570", result=result(calls(_numbered), CHAT), chunks=delta_calls(_numbered_delta), **SHOULD),
    defect("tools.call-ids-new/responses", "responses", "each call of a response has the same call_id", "tools.call-ids-new", "tools.call-ids", source="NousResearch/hermes-agent#102629", result=result(items_of(_numbered_item), *SHOWN), **SHOULD),
    defect("tools.required-called/after-result", "tools", "after a result, tool_choice required is ignored", "tools.required-called", body=_ignoring("tool_choice", when=lambda route, body: body.get("tool_choice") == "required" and _has_result(route, body))),
    defect("tools.none-not-called/later", "tools", "in a later turn, tool_choice none is ignored", "tools.none-not-called", body=_ignoring("tool_choice", when=lambda route, body: body.get("tool_choice") == "none" and _is_later(route, body))),
    defect("tools.single-when-not-parallel/responses", "responses streaming", "streams of responses ignore parallel_tool_calls", "tools.single-when-not-parallel", body=_ignoring("parallel_tool_calls", when=lambda route, body: route == RESPONSES and STREAMED(route, body))),
    defect("structured.schema-honoured/later", "structured outputs", "in a later turn a schema is ignored", "structured.schema-honoured", body=_ignoring("response_format", when=_is_later)),
    defect("structured.schema-honoured/image", "structured outputs", "a schema is ignored where there is an image", "structured.schema-honoured", body=_ignoring("response_format", when=_has_image)),
    defect("structured.schema-honoured/markup", "structured outputs", "answers are escaped as HTML", "structured.schema-honoured", "*/must/body", "*/should/body", "stop.*", result=result_of(_as_markup, CHAT)),
    defect("responses.delta-logprobs/none", "responses streaming", "the pieces of a text have no log probabilities", "responses.delta-logprobs", chunks=each_event(lambda event: event.update(logprobs=[]), "response.output_text.delta"), **SHOULD),
    defect("logprobs.present/with-tools", "logprobs", "where tools are offered there are no log probabilities", "logprobs.present", result=result_of(_unscored, CHAT), chunks=all_chunks(lambda body, chunks: [_unscored(body, one) for one in chunks], CHAT)),
    defect("logprobs.present/schema-stream", "logprobs", "a stream that keeps to a schema has no log probabilities", "logprobs.present", chunks=all_chunks(_unscored_schema, CHAT)),
    defect("completions.logprobs-top/one", "completions", "legacy tokens have one alternative at most", "completions.logprobs-top", result=result_of(_one_top, COMPLETIONS), **SHOULD),
    defect("embeddings.distinct/long", "embeddings", "texts of more than thirty words have one vector", "embeddings.distinct", body=_one_long, **SHOULD),
    defect("logprobs.concat/first-choice", "logprobs", "each choice has the log probabilities of the first", "logprobs.concat", result=result_of(_first_scored, CHAT)),
    defect("stop.excluded/choices", "chat", "a stop sequence ends the first choice alone", "stop.excluded", result=result_of(_first_alone, CHAT)),
    defect("stop.excluded/with-tools", "chat", "where tools are offered, stop is ignored", "stop.excluded", body=_ignoring("stop", when=lambda route, body: bool(body.get("tools")))),
    defect("stop.excluded/ascii", "chat", "stop sequences beyond ASCII are ignored", "stop.excluded", body=lambda route, body: _stops(route, body, str.isascii)),
    defect("stop.excluded/lines", "chat", "line ends are taken off stop sequences", "stop.excluded", body=lambda route, body: _stops(route, body, lambda one: "\n" not in one)),
    defect("stop.excluded/prompts", "completions", "with several prompts, stop is ignored", "stop.excluded", body=_ignoring("stop", when=lambda route, body: route == COMPLETIONS and isinstance(body.get("prompt"), list))),
    defect("stream.usage-chunk/stopped", "usage", "with a stop sequence a stream has no usage", "stream.usage-chunk", chunks=all_chunks(_without_usage(lambda body: body.get("stop")), CHAT)),
    defect("stream.usage-chunk/prompts", "completions", "with several prompts a stream has no usage", "stream.usage-chunk", chunks=all_chunks(_without_usage(lambda body: isinstance(body.get("prompt"), list)), COMPLETIONS)),
    defect("stream.usage-choices-empty/stopped", "usage", "with a stop sequence the usage chunk has a choice", "stream.usage-choices-empty", "stream.one-terminal", "stream.usage-*", chunks=all_chunks(_usage_with_choice, CHAT)),
    defect("stream.prompt-tokens-equal-plain/choices", "usage", "a stream counts the prompt for each choice", "stream.prompt-tokens-equal-plain", chunks=all_chunks(_read_each, CHAT), **SHOULD),
    defect("stream.equals-plain/lines", "chat streaming", "a stream has no line ends", "stream.equals-plain", chunks=all_chunks(_one_line, CHAT)),
    defect("chat.choices-in-order/reversed", "chat", "the last choice is listed first", "chat.choices-in-order", result=result(lambda made: made["choices"].reverse(), CHAT), **SHOULD),
    defect("created.answer-not-ahead/local", "chat", "the time of an answer is local time", "created.answer-not-ahead", result=result_of(_hours_ahead, CHAT), chunks=all_chunks(lambda body, chunks: [_hours_ahead(body, one) for one in chunks], CHAT), **SHOULD),
    defect("completions.echo/by-turns", "completions", "the choices of several prompts take turns", "completions.echo", result=result_of(_by_turns, COMPLETIONS)),
    defect("chat.choice-count/eight-prompts", "completions", "prompts after the eighth are lost", "chat.choice-count", body=lambda route, body: {**body, "prompt": body["prompt"][:8]} if route == COMPLETIONS and isinstance(body.get("prompt"), list) and isinstance(next(iter(body["prompt"]), 0), str) else body),
    defect("embeddings.dimensions/base64", "embeddings", "with base64, dimensions is ignored", "embeddings.dimensions", body=_ignoring("dimensions", when=lambda route, body: route == EMBEDDINGS and body.get("encoding_format") == "base64")),
    variant("clocks-apart", "the clock that dates the answers is five minutes ahead of the other", result=result(lambda made: made.update(created=made["created"] + 300), CHAT, COMPLETIONS)),
    variant("whole-delta", "a text comes in one piece, with all of its log probabilities", chunks=all_events(_in_one)),
    variant("call-ids-counted", "calls are numbered through the conversation", result=result_of(lambda body, made: [call.update(id=f"functions.{call['function']['name']}:{place + str(body['messages']).count('tool_call_id')}") for choice in made["choices"] for place, call in enumerate(choice["message"].get("tool_calls") or ())], CHAT)),
)  # fmt: skip
