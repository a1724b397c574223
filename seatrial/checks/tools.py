"""Tool calls of a message, plain or assembled from a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

_CHOICE = "openai#/components/schemas/ChatCompletionToolChoiceOption"
_CALL = "openai#/components/schemas/ChatCompletionMessageToolCall/properties/"
_FINISH = "openai#/components/schemas/CreateChatCompletionResponse/properties/choices/items/properties/finish_reason"

Choice = Mapping[str, Any]


def _offers(exchange: Exchange) -> bool:
    return (view.is_chat(exchange) or view.is_response(exchange)) and bool(view.functions(exchange))


def _offers_in_chat(exchange: Exchange) -> bool:
    return view.is_chat(exchange) and _offers(exchange)


def _may_call(exchange: Exchange) -> bool:
    return _offers(exchange) and view.tool_choice(exchange) != "none"


def _requires(exchange: Exchange) -> bool:
    return _offers(exchange) and view.tool_choice(exchange) == "required"


def _names(exchange: Exchange) -> bool:
    return _offers(exchange) and view.tool_choice(exchange).startswith("=")


def _forbids(exchange: Exchange) -> bool:
    return _offers(exchange) and view.tool_choice(exchange) == "none"


def _has_calls(exchange: Exchange) -> bool:
    named = b'"function_call"' if view.is_response(exchange) else b"tool_calls"
    return _may_call(exchange) and named in exchange.body


def _at(choice: Choice) -> str:
    return f"choice {choice.get('index')}"


def _require_calls_possible(exchange: Exchange, choice: Choice) -> None:
    """Nothing where a missing call is the server's fault."""
    reason = view.finish_reason(choice)
    if reason in ("length", "content_filter") or view.refusal(choice):
        raise Inconclusive(f"the choice ended by {reason} before a call")
    unread = view.unread_call(view.text(choice), view.functions(exchange))
    if unread and unread[1]:
        raise Inconclusive("the call was left in the text")


@check("tools.required-called", level=MUST, applies=_requires, spec=_CHOICE)
def required_called(exchange: Exchange) -> Iterator[Finding]:
    """With tool_choice required, at least one tool is called."""

    def judge(choice: Choice) -> Iterator[Finding]:
        if not view.calls(choice):
            _require_calls_possible(exchange, choice)
            yield Finding("a tool call", repr(view.text(choice)[:120]), f"{_at(choice)} /message/tool_calls")

    return view.each(view.choices(exchange), judge)


@check(
    "tools.named-called",
    level=MUST,
    applies=_names,
    spec="openai#/components/schemas/ChatCompletionNamedToolChoice",
)
def named_called(exchange: Exchange) -> Iterator[Finding]:
    """Where the request names a function, that function is called and no other."""
    wanted = view.tool_choice(exchange)[1:]

    def judge(choice: Choice) -> Iterator[Finding]:
        calls = view.calls(choice)
        if not calls:
            _require_calls_possible(exchange, choice)
            yield Finding(f"a call of {wanted}", repr(view.text(choice)[:120]), f"{_at(choice)} /message/tool_calls")
        for number, call in enumerate(calls):
            name = view.function(call).get("name")
            if not isinstance(name, str):
                raise Inconclusive("a call has no name")
            if name != wanted:
                yield Finding(wanted, repr(name)[:80], f"{_at(choice)} /message/tool_calls/{number}/function/name")

    return view.each(view.choices(exchange), judge)


def _offers_nothing(exchange: Exchange) -> bool:
    sent = (exchange.request.get(name) for name in ("tools", "functions", "web_search_options"))
    return view.is_chat(exchange) and not any(sent)


@check("tools.none-offered", level=MUST, applies=_offers_nothing, spec=_CHOICE)
def none_offered(exchange: Exchange) -> Iterator[Finding]:
    """A request that offers no tool is answered without a call."""
    for choice in view.choices(exchange):
        if calls := view.calls(choice):
            yield Finding("no tool_calls", str(view.function(calls[0]).get("name"))[:80], _at(choice))


@check("tools.none-not-called", level=MUST, applies=_forbids, spec=_CHOICE)
def none_not_called(exchange: Exchange) -> Iterator[Finding]:
    """With tool_choice none, no tool is called."""
    for choice in view.choices(exchange):
        calls = view.calls(choice)
        if calls:
            name = view.function(calls[0]).get("name")
            yield Finding("no tool call", f"{len(calls)} calls, of {name!r}", f"{_at(choice)} /message/tool_calls")


def _one_only(exchange: Exchange) -> bool:
    return _may_call(exchange) and exchange.request.get("parallel_tool_calls") is False


@check(
    "tools.single-when-not-parallel",
    level=MUST,
    applies=_one_only,
    spec="openai#/components/schemas/ParallelToolCalls",
)
def single_when_not_parallel(exchange: Exchange) -> Iterator[Finding]:
    """With parallel_tool_calls false, at most one tool is called."""

    def judge(choice: Choice) -> Iterator[Finding]:
        calls = view.calls(choice)
        if not calls:
            raise Inconclusive("no tool was called")
        if len(calls) > 1:
            yield Finding("one tool call", f"{len(calls)} calls", f"{_at(choice)} /message/tool_calls")

    return view.each(view.choices(exchange), judge)


def _is_plain_offer(exchange: Exchange) -> bool:
    return _offers(exchange) and view.is_plain(exchange)


@check("tools.calls-non-empty", level=SHOULD, applies=_is_plain_offer, spec="issue#lablup/mlxcel/1581")
def calls_non_empty(exchange: Exchange) -> Iterator[Finding]:
    """A message that calls no tool has no list of calls, instead of an empty one."""

    def judge(choice: Choice) -> Iterator[Finding]:
        if view.message(choice).get("tool_calls") != []:
            return
        if view.forced(exchange) or view.finish_reason(choice) == "tool_calls":
            raise Inconclusive("a call is missing, which another check judges")
        yield Finding("no tool_calls, or null", "[]", f"{_at(choice)} /message/tool_calls")

    return view.each(view.choices(exchange), judge)


@check("tools.known-name", level=MUST, applies=_has_calls, spec=_CALL + "function/properties/name")
def known_name(exchange: Exchange) -> Iterator[Finding]:
    """The function that is called is one of those the request offers."""
    offered = view.functions(exchange)

    def judge(choice: Choice) -> Iterator[Finding]:
        calls = view.calls(choice)
        if not calls:
            raise Inconclusive("no tool was called")
        for number, call in enumerate(calls):
            name = view.function(call).get("name")
            if not isinstance(name, str) or (not name and exchange.asked_to_stream):
                raise Inconclusive("a call has no name")
            if name in offered:
                continue
            if view.tool_choice(exchange).startswith("="):
                raise Inconclusive("another function than the named one was called")
            # A model may invent names, but none with the marks of its own template at their end.
            marked = any(name.startswith((f"{known}<|", f"{known}<｜", f"{known}</")) for known in offered)
            if name and not view.forced(exchange) and not marked:
                raise Inconclusive(f"the model was free to invent {name!r}")
            shown = f"{_at(choice)} /message/tool_calls/{number}/function/name"
            yield Finding("one of " + ", ".join(offered), repr(name)[:80], shown)

    return view.each(view.choices(exchange), judge)


@check("tools.call-ids", level=MUST, applies=_has_calls, spec=_CALL + "id")
def call_ids(exchange: Exchange) -> Iterator[Finding]:
    """Each call of a message has an id, not empty, of its own."""

    def judge(choice: Choice) -> Iterator[Finding]:
        seen: set[str] = set()
        for number, call in enumerate(view.calls(choice)):
            where = f"{_at(choice)} /message/tool_calls/{number}/id"
            found = call.get("id")
            if not isinstance(found, str) or (not found and exchange.asked_to_stream):
                continue  # the schema's; in a stream, that of tools.delta-first-complete
            if not found.strip():
                yield Finding("an id", repr(found), where)
            elif found in seen:
                yield Finding("an id of its own", f"{found!r} again"[:80], where)
            seen.add(found)
        if not seen:
            raise Inconclusive("no call has an id")

    return view.each(view.choices(exchange), judge)


def _arguments(call: Mapping[str, Any]) -> str | None:
    found = view.function(call).get("arguments")
    return found if isinstance(found, str) and "custom" not in call else None


def _was_cut(exchange: Exchange) -> bool:
    """Whether the usage shows that the limit of tokens was reached."""
    limit = view.limit(exchange)
    try:
        return limit is not None and view.count(view.usage(exchange), "completion_tokens") >= limit
    except Inconclusive:
        return False


def _is_strict(exchange: Exchange, call: Mapping[str, Any]) -> bool:
    name = view.function(call).get("name")
    offered = view.functions(exchange).get(name) if isinstance(name, str) else None
    return offered is not None and offered.get("strict") is True


@check("tools.arguments-json", level=MUST, applies=_has_calls, spec="issue#vllm-project/vllm/53269")
def arguments_json(exchange: Exchange) -> Iterator[Finding]:
    """The arguments of a call are a string that holds JSON; where they were cut, finish_reason is length."""

    def judge(choice: Choice) -> Iterator[Finding]:
        judged = False
        reason = view.finish_reason(choice)
        for number, call in enumerate(view.calls(choice)):
            text = _arguments(call)
            if text is None:
                continue
            judged = True
            where = f"{_at(choice)} /message/tool_calls/{number}/function/arguments"
            try:
                value = view.strict_json(text)
            except ValueError as error:
                if reason == "length":
                    continue
                if reason is None or reason == "content_filter":
                    raise Inconclusive(f"the choice ended by {reason}") from error
                free = not view.forced(exchange) and not _is_strict(exchange, call)
                if free and text and not _was_cut(exchange):
                    raise Inconclusive("the model was free to write arguments that are not JSON") from error
                yield Finding("JSON, or finish_reason length", f"{text[-120:]!r} with finish_reason {reason}", where)
                continue
            if isinstance(value, str) and value.lstrip().startswith("{"):
                yield Finding("one JSON document", f"a JSON string within it: {text[:100]}", where)
        if not judged:
            raise Inconclusive("no function was called")

    return view.each(view.choices(exchange), judge)


def _has_strict(exchange: Exchange) -> bool:
    return _may_call(exchange) and any(found.get("strict") is True for found in view.functions(exchange).values())


@check(
    "tools.arguments-schema",
    level=MUST,
    applies=_has_strict,
    spec="openai#/components/schemas/FunctionObject/properties/strict",
)
def arguments_schema(exchange: Exchange) -> Iterator[Finding]:
    """The arguments of a function that is strict keep to its parameters."""
    offered = view.functions(exchange)

    def judge(choice: Choice) -> Iterator[Finding]:
        judged = False
        for number, call in enumerate(view.calls(choice)):
            text = _arguments(call)
            if text is None or not _is_strict(exchange, call):
                continue
            try:
                value = view.strict_json(text)
            except ValueError as error:
                raise Inconclusive("the arguments are not JSON") from error
            where = f"{_at(choice)} /message/tool_calls/{number}/function/arguments"
            findings = view.breaches(value, offered[call["function"]["name"]].get("parameters") or {}, where)
            if findings and not view.forced(exchange):
                raise Inconclusive("they break the schema, but the model was free to call or not")
            judged = True
            yield from findings
        if not judged:
            raise Inconclusive("no strict function was called")

    return view.each(view.choices(exchange), judge)


@check("tools.finish-reason", level=MUST, applies=_offers_in_chat, spec=_FINISH)
def finish_reason(exchange: Exchange) -> Iterator[Finding]:
    """A choice whose finish_reason is tool_calls calls at least one tool."""

    def judge(choice: Choice) -> Iterator[Finding]:
        if view.finish_reason(choice) != "tool_calls":
            raise Inconclusive("no choice has the finish_reason tool_calls")
        if view.calls(choice):
            return
        if view.forced(exchange) or view.unread_call(view.text(choice), view.functions(exchange)):
            raise Inconclusive("a call is missing, which another check judges")
        yield Finding("a tool call", f"finish_reason tool_calls, text {view.text(choice)[:80]!r}", _at(choice))

    return view.each(view.choices(exchange), judge)


def _is_free_in_chat(exchange: Exchange) -> bool:
    # Where a call is forced, servers and documents disagree whether it is a stop.
    return _offers_in_chat(exchange) and view.tool_choice(exchange) == "auto"


@check(
    "tools.finish-reason-called",
    level=SHOULD,
    applies=_is_free_in_chat,
    spec="issue#openvinotoolkit/model_server/3927",
)
def finish_reason_called(exchange: Exchange) -> Iterator[Finding]:
    """A model that was free to call tools, and did, ended by tool_calls: clients go on by that word."""

    def judge(choice: Choice) -> Iterator[Finding]:
        if not view.calls(choice):
            raise Inconclusive("no tool was called")
        if view.finish_reason(choice) == "stop":
            yield Finding("finish_reason tool_calls", "stop", _at(choice))

    return view.each(view.choices(exchange), judge)


@check("tools.no-markup", level=MUST, applies=_may_call, spec="issue#NVIDIA/TensorRT-LLM/9784")
def no_markup(exchange: Exchange) -> Iterator[Finding]:
    """The text of a message holds no tool call in the markup of a model, left unread."""
    doubtful = ""
    for choice in view.choices(exchange):
        found = view.unread_call(view.text(choice), view.functions(exchange))
        if found and found[1]:
            yield Finding("a call in tool_calls", repr(found[0])[:160], f"{_at(choice)} /message/content")
        elif found:
            doubtful = found[0]
    if doubtful:
        raise Inconclusive(f"the model wrote a broken call: {doubtful!r}")


def _is_plain_call(exchange: Exchange) -> bool:
    return view.is_plain(exchange) and _has_calls(exchange)


@check("tools.no-message-index", level=MAY, applies=_is_plain_call, spec="issue#epam/ai-dial-sdk/110")
def no_message_index(exchange: Exchange) -> Iterator[Finding]:
    """The calls of a plain message have no `index`, which belongs to streams."""
    judged = False
    for choice in view.choices(exchange):
        for number, call in enumerate(view.calls(choice)):
            judged = True
            if "index" in call:
                yield Finding("no index", f"{call['index']!r}", f"{_at(choice)} /message/tool_calls/{number}/index")
    if not judged:
        raise Inconclusive("no tool was called")
