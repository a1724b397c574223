"""Defects of a server that leaves out a part of what it is told; and what it need not tell its model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seatrial.server.plant import Json, Plant
from seatrial.server.plants.responses_shape import RESPONSES
from seatrial.server.plants.shape import CHAT, defect, variant

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
    variant("tools-not-to-be-called", "tools that may not be called are not told to the model", body=_only_what_may_be_called),
    variant("names-unread", "the names of participants are not read", body=_in("messages", CHAT, lambda rows: [{k: v for k, v in row.items() if k != "name" or row.get("role") == "function"} for row in rows])),
)  # fmt: skip
