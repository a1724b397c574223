"""Defects of a server that leaves out a part of what it is told; and what it need not tell its model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seatrial.server import tokens
from seatrial.server.messages import IMAGE_TOKENS
from seatrial.server.plant import Json, Plant
from seatrial.server.plants.responses_shape import RESPONSES
from seatrial.server.plants.shape import CHAT, COMPLETIONS, defect, ignoring, result_of, variant

Rows = list[Any]


def _in(name: str, route: str, change: Callable[[Rows], Rows]) -> Callable[[str, Json], Json]:
    """Changes a list of objects that a request to this route has."""

    def hook(at: str, body: Json) -> Json:
        found = body.get(name)
        if at != route or not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            return body
        return {**body, name: change(found)}

    return hook


def _each(wanted: Callable[[Json], bool], **values: Callable[[Json], Any]) -> Callable[[Rows], Rows]:
    """Sets members of the objects that are meant."""

    def change(rows: Rows) -> Rows:
        return [{**row, **{k: v(row) for k, v in values.items()}} if wanted(row) else row for row in rows]

    return change


def _untold(tool: Json) -> Any:
    function = tool.get("function")
    return {k: v for k, v in function.items() if k != "description"} if isinstance(function, dict) else function


def _results_after_first(rows: Rows) -> Rows:
    told = [row for row in rows if row.get("role") == "tool"]
    return [{**row, "content": "."} if any(row is one for one in told[1:]) else row for row in rows]


def _cut(row: Json) -> str:
    return " ".join(row["content"].split()[-200:])


def _only_what_may_be_called(route: str, body: Json) -> Json:
    """Tools that may not be called are not told to the model."""
    choice, tools = body.get("tool_choice"), body.get("tools")
    if route != CHAT or not isinstance(tools, list):
        return body
    if choice == "none":
        return {k: v for k, v in body.items() if k not in ("tools", "tool_choice", "parallel_tool_calls")}
    function = choice.get("function") if isinstance(choice, dict) else None
    named = [one for one in tools if isinstance(one, dict) and one.get("function", {}).get("name") == function["name"]] if isinstance(function, dict) and "name" in function else []  # fmt: skip
    return {**body, "tools": named} if named else body


def _is_image(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "image_url"


def _seen(
    change: Callable[[Rows], Rows], when: Callable[[Json], Any] = bool, last: bool = False
) -> Callable[[str, Json], Json]:
    """Changes the parts of contents (not of the last message, where that is said) of requests that are meant."""

    def rows(messages: Rows) -> Rows:
        return [
            {**one, "content": change(one["content"])} if isinstance(one.get("content"), list) and not (last and one is messages[-1]) else one
            for one in messages
        ]  # fmt: skip

    hook = _in("messages", CHAT, rows)
    return lambda route, body: hook(route, body) if when(body) else body


def _unseen(parts: Rows) -> Rows:
    return [part for part in parts if not _is_image(part)] or parts


def _first_seen(parts: Rows) -> Rows:
    seen = [part for part in parts if _is_image(part)]
    return [part for part in parts if not _is_image(part) or part is seen[0]]


def _image(name: str, summary: str, body: Callable[[str, Json], Json]) -> Plant:
    return defect(f"vision.image-counted/{name}", "vision", summary, "vision.image-counted", body=body)


def _unseen_input(item: Json) -> Rows:
    return [part for part in item["content"] if not isinstance(part, dict) or part.get("type") != "input_image"]


def _suffix_uncounted(body: Json, made: Json) -> None:
    more = len(made["choices"]) * tokens.count(body.get("suffix") or "") // (body.get("n") or 1)
    for name in ("prompt_tokens", "total_tokens"):
        made["usage"][name] -= more


def _one_token_each(body: Json, made: Json) -> None:
    images = str(body.get("messages")).count("'type': 'image_url'")
    for name in ("prompt_tokens", "total_tokens"):
        made["usage"][name] -= images * (IMAGE_TOKENS - 1)


def _unread(name: str, summary: str, body: Callable[[str, Json], Json], area: str = "chat") -> Plant:
    trips = ("usage.request-read", "usage.prompt-grows", "usage.turns-read*", "*/should/body")
    return defect(f"usage.request-read/{name}", area, summary, *trips, level="SHOULD", body=body)


_SHORT, _PARTS = (lambda row: "." if row.get("content") else row.get("content")), (lambda row: row["content"][:1])

PLANTS = (
    _unread("assistant", "what the model said before is not read", _in("messages", CHAT, _each(lambda m: m.get("role") == "assistant", content=_SHORT))),
    _unread("long", "of a long text the last 200 words are read", _in("messages", CHAT, _each(lambda m: isinstance(m.get("content"), str) and 200 < len(m["content"].split()) < 2000, content=_cut))),
    _unread("result", "of several results of tools the first is read", _in("messages", CHAT, _results_after_first), "tools"),
    _unread("result-part", "of the parts of a tool's result the first is read", _in("messages", CHAT, _each(lambda m: m.get("role") == "tool" and isinstance(m.get("content"), list), content=_PARTS)), "tools"),
    _unread("description", "what a tool is for is not read", _in("tools", CHAT, _each(lambda tool: "function" in tool, function=_untold)), "tools"),
    _unread("developer", "what the developer says in an input is not read", _in("input", RESPONSES, _each(lambda m: m.get("role") == "developer", content=_SHORT)), "responses"),
    _unread("part", "of the parts of an input the first is read", _in("input", RESPONSES, _each(lambda m: isinstance(m.get("content"), list), content=_PARTS)), "responses"),
    _unread("output", "what a function returned is not read", _in("input", RESPONSES, _each(lambda m: m.get("type") == "function_call_output", output=lambda item: ".")), "responses"),
    _unread("after-image", "the text after an image is not read", _seen(lambda parts: [part for at, part in enumerate(parts) if not at or _is_image(part) or not _is_image(parts[at - 1])]), "vision"),
    _image("first", "of several images the first is seen", _seen(_first_seen)),
    _image("last-turn", "images of earlier turns are not seen", _seen(_unseen, last=True)),
    _image("plain", "streams see no image", _seen(_unseen, lambda body: body.get("stream"))),
    _image("without-tools", "where tools are offered no image is seen", _seen(_unseen, lambda body: body.get("tools"))),
    _image("free", "where there is a format no image is seen", _seen(_unseen, lambda body: body.get("response_format"))),
    defect("completions.suffix-read/ignored", "completions", "a suffix is accepted and ignored", "completions.suffix-read", level="MAY", body=ignoring("suffix", route=COMPLETIONS)),
    defect("responses.image-read/dropped", "responses", "images of an input are dropped without a word", "responses.image-read/image/must/body", body=_in("input", RESPONSES, _each(lambda m: isinstance(m.get("content"), list), content=_unseen_input))),
    variant("suffix-uncounted", "a suffix is no part of the prompt that is counted", result=result_of(_suffix_uncounted, COMPLETIONS)),
    variant("image-one-token", "an image counts as one token", result=result_of(_one_token_each, CHAT)),
    variant("tools-not-to-be-called", "tools that may not be called are not told to the model", body=_only_what_may_be_called),
    variant("names-unread", "the names of participants are not read", body=_in("messages", CHAT, lambda rows: [{k: v for k, v in row.items() if k != "name" or row.get("role") == "function"} for row in rows])),
)  # fmt: skip
