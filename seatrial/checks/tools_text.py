"""Tool calls: what their arguments are, and what the text beside them is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

_LEAST = 8
"""Characters of arguments that no text repeats by accident."""


def _is_call(exchange: Exchange) -> bool:
    return view.is_chat(exchange) and b"tool_calls" in exchange.body and bool(view.functions(exchange))


def _is_forced_call(exchange: Exchange) -> bool:
    return _is_call(exchange) and view.forced(exchange)


def _arguments(choice: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """(name, arguments) of each function that is called; at least one."""
    calls = [view.function(call) for call in view.calls(choice) if "custom" not in call]
    found = [(call.get("name"), call["arguments"]) for call in calls if isinstance(call.get("arguments"), str)]
    if not found:
        raise Inconclusive("no function was called")
    return found


@check(
    "tools.arguments-object",
    level=SHOULD,
    applies=_is_forced_call,
    spec="openai#/components/schemas/FunctionParameters",
)
def arguments_object(exchange: Exchange) -> Iterator[Finding]:
    """The arguments of a function that has no parameters are an object without members, and not null."""
    offered = view.functions(exchange)

    def judge(choice: Mapping[str, Any]) -> Iterator[Finding]:
        judged = False
        for name, text in _arguments(choice):
            parameters = offered.get(name, {}).get("parameters") if isinstance(name, str) else None
            # Where there are parameters, a model that is not held to them may write anything.
            if isinstance(parameters, dict) and parameters.get("properties"):
                continue
            judged = True
            if text.strip() == "null":
                yield Finding("{}", repr(text)[:80], f"choice {choice.get('index')} /message/tool_calls")
        if not judged:
            raise Inconclusive("no function without parameters was called")

    return view.each(view.choices(exchange), judge)


@check("tools.content-own", level=SHOULD, applies=_is_call, spec="issue#youssofal/MTPLX/249")
def content_own(exchange: Exchange) -> Iterator[Finding]:
    """The text beside a tool call is not the call's arguments over again."""

    def judge(choice: Mapping[str, Any]) -> Iterator[Finding]:
        said = view.text(choice).strip()
        texts = [text.strip() for _, text in _arguments(choice)]
        if said in ("".join(texts), *texts) and len(said) >= _LEAST:
            where = f"choice {choice.get('index')} /message/content"
            yield Finding("null, or a text of its own", f"the arguments again: {said[:80]}", where)

    return view.each(view.choices(exchange), judge)


def _allowed(exchange: Exchange) -> set[Any]:
    """The names of the functions to which the request narrows its tools; empty where it does not."""
    choice = exchange.request.get("tool_choice")
    inner = choice.get("allowed_tools") if isinstance(choice, dict) else None
    listed = inner.get("tools") if isinstance(inner, dict) else None
    tools = [tool for tool in listed if isinstance(tool, dict)] if isinstance(listed, list) else []
    return {view.function(tool).get("name") for tool in tools}


@check(
    "tools.allowed-called",
    level=MUST,
    applies=lambda exchange: _is_call(exchange) and bool(_allowed(exchange)),
    spec="openai#/components/schemas/ChatCompletionAllowedTools",
)
def allowed_called(exchange: Exchange) -> Iterator[Finding]:
    """Where the request narrows its tools to some, no other is called."""
    allowed = _allowed(exchange)

    def judge(choice: Mapping[str, Any]) -> Iterator[Finding]:
        for name, _ in _arguments(choice):
            # A name that is offered nowhere is judged by tools.known-name.
            if name in view.functions(exchange) and name not in allowed:
                wanted = "one of " + ", ".join(map(str, allowed))
                yield Finding(wanted, repr(name)[:80], f"choice {choice.get('index')} /message/tool_calls")

    return view.each(view.choices(exchange), judge)


def _ids_before(exchange: Exchange) -> set[Any]:
    """The ids of the calls that the conversation has already."""
    rows: list[Any] = []
    for name in ("messages", "input"):
        said = exchange.request.get(name)
        rows += [row for row in said if isinstance(row, dict)] if isinstance(said, list) else []
    lists = [row.get("tool_calls") for row in rows]
    calls = [call for listed in lists if isinstance(listed, list) for call in listed if isinstance(call, dict)]
    ids = [call.get("id") for call in calls] + [
        row.get("call_id") for row in rows if row.get("type") == "function_call"
    ]
    return {id for id in ids if isinstance(id, str)}


@check(
    "tools.call-ids-new",
    level=SHOULD,
    applies=lambda one: (view.is_chat(one) or view.is_response(one)) and view.forced(one) and bool(_ids_before(one)),
    spec="issue#open-webui/open-webui/28570",
)
def call_ids_new(exchange: Exchange) -> Iterator[Finding]:
    """A call has another id than the calls before it in the conversation: results are told apart by it."""
    before = _ids_before(exchange)

    def judge(choice: Mapping[str, Any]) -> Iterator[Finding]:
        found = [call.get("id") for call in view.calls(choice)]
        if not found:
            raise Inconclusive("no function was called")
        for number, id in enumerate(found):
            if isinstance(id, str) and id in before:
                where = f"choice {choice.get('index')} /message/tool_calls/{number}/id"
                yield Finding("an id that no earlier call has", repr(id)[:80], where)

    return view.each(view.choices(exchange), judge)
