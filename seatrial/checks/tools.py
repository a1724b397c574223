"""Tool calls, plain or assembled from a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MAY, MUST, Exchange, Finding

CHOICE = "openai#/components/schemas/ChatCompletionToolChoiceOption"
CALL = "openai#/components/schemas/ChatCompletionMessageToolCall/properties/"
_MARKUP = (
    "<tool_call>",
    "[TOOL_CALLS]",
    "<|python_tag|>",
    "<function=",
    "<|tool_call|>",
    "<|tool_calls_section_begin|>",
    "functools[",
)


def _offers(x: Exchange) -> bool:
    return view.is_chat(x) and bool(view.tools(x))


def _choice(x: Exchange) -> Any:
    return x.request.get("tool_choice", "auto")


def _named(x: Exchange) -> str | None:
    choice = _choice(x)
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def _forced(x: Exchange) -> bool:
    return _choice(x) == "required" or _named(x) is not None


def _calls(exchange: Exchange) -> Iterator[tuple[int, Mapping[str, Any], list[Mapping[str, Any]]]]:
    for choice in view.choices(exchange):
        yield view.index_of(choice), choice, view.calls_of(choice)


def _require_calls(exchange: Exchange) -> None:
    if not any(calls for _, _, calls in _calls(exchange)):
        raise Inconclusive("no tool was called")


def _require_uncut(choice: Mapping[str, Any]) -> None:
    if choice.get("finish_reason") in ("length", "content_filter"):
        raise Inconclusive(f"the answer was cut: {choice['finish_reason']}")


@check("tools.required-called", level=MUST, applies=lambda x: _offers(x) and _choice(x) == "required", spec=CHOICE)
def required_called(exchange: Exchange) -> Iterator[Finding]:
    """With tool_choice `required` at least one tool is called."""
    for index, choice, calls in _calls(exchange):
        if not calls:
            _require_uncut(choice)
            yield Finding("a tool call", view.text_of(choice)[:120] or "none", f"choice {index}")


@check(
    "tools.named-called",
    level=MUST,
    applies=lambda x: _offers(x) and _named(x) is not None,
    spec="openai#/components/schemas/ChatCompletionNamedToolChoice",
)
def named_called(exchange: Exchange) -> Iterator[Finding]:
    """A function that tool_choice names is called, and no other."""
    wanted = _named(exchange)
    for index, choice, calls in _calls(exchange):
        names = [view.function_of(call).get("name") for call in calls]
        if not calls:
            _require_uncut(choice)
        if not calls or any(name != wanted for name in names):
            yield Finding(f"a call of {wanted}", str(names) if calls else "no call", f"choice {index}")


@check("tools.none-not-called", level=MUST, applies=lambda x: _offers(x) and _choice(x) == "none", spec=CHOICE)
def none_not_called(exchange: Exchange) -> Iterator[Finding]:
    """With tool_choice `none` no tool is called."""
    for index, _, calls in _calls(exchange):
        if calls:
            yield Finding("no call", str(calls)[:160], f"choice {index}")


@check(
    "tools.single-when-not-parallel",
    level=MUST,
    applies=lambda x: _offers(x) and x.request.get("parallel_tool_calls") is False,
    spec="openai#/components/schemas/ParallelToolCalls",
)
def single_when_not_parallel(exchange: Exchange) -> Iterator[Finding]:
    """With parallel_tool_calls false there is one call at most."""
    _require_calls(exchange)
    for index, _, calls in _calls(exchange):
        if len(calls) > 1:
            yield Finding("one call", f"{len(calls)}", f"choice {index}")


@check(
    "tools.calls-non-empty",
    level=MUST,
    applies=lambda x: _offers(x) and view.is_plain(x),
    spec="issue#lablup/mlxcel/1581",
)
def calls_non_empty(exchange: Exchange) -> Iterator[Finding]:
    """A message without tool calls has no empty list of them: clients take the list as "a tool was called"."""
    for choice in view.choices(exchange):
        message = choice.get("message")
        if isinstance(message, dict) and message.get("tool_calls") == []:
            yield Finding("no tool_calls, or null", "[]", "/choices/*/message/tool_calls")


@check("tools.known-name", level=MUST, applies=_offers, spec=CALL + "function")
def known_name(exchange: Exchange) -> Iterator[Finding]:
    """A function that is called is one of those that the request offers."""
    _require_calls(exchange)
    offered = view.tools(exchange)
    for index, _, calls in _calls(exchange):
        for call in calls:
            name = view.function_of(call).get("name")
            if name not in offered:
                yield Finding("one of " + ", ".join(offered), repr(name), f"choice {index}")


@check("tools.call-ids", level=MUST, applies=_offers, spec=CALL + "id")
def call_ids(exchange: Exchange) -> Iterator[Finding]:
    """Each call has an id that is not empty and its own: results are sent back under it."""
    _require_calls(exchange)
    for index, _, calls in _calls(exchange):
        ids = [call.get("id") for call in calls]
        if any(not id for id in ids) and (not exchange.asked_to_stream or any(id == "" for id in ids)):
            yield Finding("an id", repr(ids), f"choice {index}")
        elif len(set(map(str, ids))) < len(ids) and all(ids):
            yield Finding("an id of its own for each call", repr(ids), f"choice {index}")


@check("tools.arguments-json", level=MUST, applies=_offers, spec=CALL + "function")
def arguments_json(exchange: Exchange) -> Iterator[Finding]:
    """The arguments of a call are JSON, unless the answer was cut, which finish_reason `length` then says."""
    _require_calls(exchange)
    unsure = ""
    for index, choice, calls in _calls(exchange):
        for call in calls:
            arguments = view.function_of(call).get("arguments")
            if not isinstance(arguments, str):
                raise Inconclusive("the arguments are no string")
            try:
                json.loads(arguments)
            except (ValueError, RecursionError):
                if choice.get("finish_reason") == "length":
                    unsure = "the answer was cut"
                elif not _forced(exchange):
                    # An unforced call is written by the model alone, and a weak one writes what it can.
                    unsure = "the model wrote arguments that are not JSON"
                else:
                    got = f"{arguments[:80]!r} with finish_reason {choice.get('finish_reason')!r}"
                    yield Finding("JSON, or finish_reason 'length'", got, f"choice {index}")
    if unsure:
        raise Inconclusive(unsure)


@check(
    "tools.arguments-schema",
    level=MUST,
    applies=lambda x: _offers(x) and any(f.get("strict") is True for f in view.tools(x).values()),
    spec="openai#/components/schemas/FunctionObject/properties/strict",
)
def arguments_schema(exchange: Exchange) -> Iterator[Finding]:
    """The arguments for a function with `strict: true` keep to its schema."""
    _require_calls(exchange)
    offered = view.tools(exchange)
    for index, choice, calls in _calls(exchange):
        for call in calls:
            function = offered.get(str(view.function_of(call).get("name")), {})
            if function.get("strict") is not True or not isinstance(function.get("parameters"), dict):
                continue
            _require_uncut(choice)
            try:
                arguments = json.loads(str(view.function_of(call).get("arguments")))
            except (ValueError, RecursionError) as error:
                raise Inconclusive("the arguments are not JSON") from error
            for pointer, expected, actual in view.breaches(arguments, function["parameters"]):
                if not _forced(exchange):
                    raise Inconclusive("the call was not forced")
                yield Finding(expected, actual, f"choice {index}, arguments {pointer}")


@check(
    "tools.finish-reason",
    level=MUST,
    applies=view.is_chat,
    spec="openai#/components/schemas/CreateChatCompletionResponse/properties/choices/items/properties/finish_reason",
)
def finish_reason(exchange: Exchange) -> Iterator[Finding]:
    """An answer that ends with finish_reason `tool_calls` has tool calls."""
    for index, choice, calls in _calls(exchange):
        if choice.get("finish_reason") == "tool_calls" and not calls:
            yield Finding("tool calls", "none", f"choice {index}")


@check(
    "tools.no-markup",
    level=MUST,
    applies=lambda x: _offers(x) and _choice(x) != "none",
    spec="issue#NVIDIA/TensorRT-LLM/9784",
)
def no_markup(exchange: Exchange) -> Iterator[Finding]:
    """The content holds no call of an offered tool in the model's own markup: that is what tool_calls is for."""
    for index, choice, _ in _calls(exchange):
        text = view.text_of(choice)
        for mark in _MARKUP:
            at = text.find(mark)
            if at >= 0 and any(name in text[at : at + 400] for name in view.tools(exchange)):
                yield Finding("tool_calls", text[at : at + 120], f"content of choice {index}")
                break


@check(
    "tools.no-message-index",
    level=MAY,
    applies=lambda x: _offers(x) and view.is_plain(x),
    spec="issue#epam/ai-dial-sdk/110",
)
def no_message_index(exchange: Exchange) -> Iterator[Finding]:
    """The calls of a whole message have no `index`: that belongs to deltas."""
    _require_calls(exchange)
    for index, _, calls in _calls(exchange):
        if any("index" in call for call in calls):
            yield Finding("no index", "index", f"/choices/{index}/message/tool_calls")
