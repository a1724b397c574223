"""Tools that were called, in one piece and in a stream, and answers that follow a schema."""

from __future__ import annotations

import json

from tests.exchanges import (
    BEGIN,
    END,
    FIRST,
    FORMAT,
    LOOSE,
    MARKUP,
    NAMED,
    OSLO,
    REST,
    STRICT,
    TOOLS_END,
    ask,
    call,
    called,
    chat,
    chunk,
    message,
    piece,
    stream,
    tools,
    toolstream,
)
from tests.rows import FAIL, OPEN, OUT, PASS, Rows

ROWS: Rows = {
    "tools.required-called": [
        (FAIL, chat(ask_=tools())),
        (FAIL, stream(ask_=tools())),
        (PASS, chat(called(), ask_=tools())),
        (OPEN, chat(message("Hello", "length"), ask_=tools())),
        (OPEN, chat(message(MARKUP), ask_=tools())),
        (OUT, chat(ask_=tools("auto"))),
    ],
    "tools.named-called": [
        (FAIL, chat(message("", tool_calls=[]), ask_=tools(NAMED))),
        (FAIL, chat(called(call("other")), ask_=tools(NAMED))),
        (PASS, chat(called(finish="stop"), ask_=tools(NAMED))),
        (OPEN, chat(message("", "length"), ask_=tools(NAMED))),
    ],
    "tools.none-not-called": [
        (FAIL, chat(called(), ask_=tools("none"))),
        (FAIL, stream([FIRST, BEGIN, *REST, TOOLS_END], ask_=tools("none"))),
        (PASS, chat(message(tool_calls=None), ask_=tools("none"))),
    ],
    "tools.single-when-not-parallel": [
        (FAIL, chat(called(call(), call(call_id="b")), ask_=tools(parallel_tool_calls=False))),
        (PASS, chat(called(), ask_=tools(parallel_tool_calls=False))),
        (OPEN, chat(ask_=tools("auto", parallel_tool_calls=False))),
        (OUT, chat(called(call(), call(call_id="b")), ask_=tools())),
    ],
    "tools.none-offered": [
        (FAIL, chat(called())),
        (FAIL, stream([FIRST, BEGIN, *REST, TOOLS_END])),
        (PASS, chat()),
        (OUT, chat(called(), ask_=tools())),
    ],
    "tools.calls-non-empty": [
        (FAIL, chat(message(tool_calls=[]), ask_=tools("auto"))),
        (PASS, chat(message(tool_calls=None), ask_=tools("auto"))),
        (OPEN, chat(message(tool_calls=[]), ask_=tools(NAMED))),
        (OUT, chat(message(tool_calls=[]))),
    ],
    "tools.known-name": [
        (FAIL, chat(called(call("nothing")), ask_=tools())),
        (FAIL, chat(called(call("")), ask_=tools("auto"))),
        (PASS, chat(called(), ask_=tools())),
        (OPEN, chat(called(call("nothing")), ask_=tools("auto"))),
        (OPEN, chat(called(call("nothing")), ask_=tools(NAMED))),
    ],
    "tools.call-ids": [
        (FAIL, chat(called(call(call_id="")), ask_=tools())),
        (FAIL, chat(called(call(), call()), ask_=tools())),
        (PASS, chat(called(call(), call(call_id="b")), ask_=tools())),
        (OPEN, chat(called(call(call_id=None)), ask_=tools())),
    ],
    "tools.arguments-json": [
        (FAIL, chat(called(call(arguments='{"city": "Os')), ask_=tools())),
        (FAIL, chat(called(call(arguments=json.dumps(OSLO))), ask_=tools())),
        (FAIL, chat(called(call(arguments="")), ask_=tools("auto"))),
        (FAIL, chat(called(call(arguments="{")), ask_=tools("auto", max_tokens=2))),
        (PASS, chat(called(call(arguments='{"city": "Os'), finish="length"), ask_=tools())),
        (PASS, toolstream(BEGIN, *REST)),
        (OPEN, chat(called(call(arguments="Oslo")), ask_=tools("auto"))),
        (OPEN, chat(called(call(arguments={"city": "Oslo"})), ask_=tools())),
    ],
    "tools.arguments-schema": [
        (FAIL, chat(called(call(arguments='{"city": "Rome"}')), ask_=tools(tool=STRICT))),
        (PASS, chat(called(), ask_=tools(tool=STRICT))),
        (OPEN, chat(called(call(arguments="{}")), ask_=tools("auto", STRICT))),
        (OPEN, chat(called(call(arguments="{"), finish="length"), ask_=tools(tool=STRICT))),
        (OUT, chat(called(), ask_=tools())),
    ],
    "tools.finish-reason": [
        (FAIL, chat(message("Hello", "tool_calls"), ask_=tools("auto"))),
        (PASS, chat(called(), ask_=tools("auto"))),
        (OPEN, chat(called(finish="stop"), ask_=tools(NAMED))),
    ],
    "tools.no-markup": [
        (FAIL, chat(message(MARKUP), ask_=tools("auto"))),
        (FAIL, chat(message("<function=get_weather>{}</function>"), ask_=tools("auto"))),
        (FAIL, chat(message('[TOOL_CALLS][{"name": "get_weather", "arguments": {}}]'), ask_=tools("auto"))),
        (FAIL, chat(message("<tool_call>get_weather\n<arg_key>city</arg_key></tool_call>"), ask_=tools("auto"))),
        (
            FAIL,
            chat(message('<invoke name="get_weather"><parameter name="city">Oslo</parameter></invoke>'), ask_=tools()),
        ),
        (FAIL, chat(message("<|tool_call>call:get_weather{city:Oslo}<tool_call|>"), ask_=tools("auto"))),
        (FAIL, chat(message(f"<|channel|>commentary to=functions.get_weather<|message|>{OSLO}"), ask_=tools("auto"))),
        (PASS, chat(message("<tool_call> is a tag"), ask_=tools("auto"))),
        (PASS, chat(message("<|channel|>commentary<|message|>The weather."), ask_=tools("auto"))),
        (PASS, chat(message("I would use get_weather."), ask_=tools("auto"))),
        (OPEN, chat(message('<tool_call>{"name": get_weather,,'), ask_=tools("auto"))),
        (OUT, chat(message(MARKUP))),
    ],
    "tools.no-message-index": [
        (FAIL, chat(called(call(index=0)), ask_=tools())),
        (PASS, chat(called(), ask_=tools())),
        (OPEN, chat(message(tool_calls=None), ask_=tools("auto"))),
    ],
    "tools.delta-indices": [
        (FAIL, toolstream(piece(1, id="a", type="function", name="get_weather", arguments=OSLO))),
        (FAIL, toolstream(BEGIN, *REST, piece(0, id="b", type="function", name="get_weather", arguments=OSLO))),
        (PASS, toolstream(BEGIN, piece(1, id="b", type="function", name="get_weather", arguments="{}"), *REST)),
        (OPEN, toolstream(piece(None, id="a", name="get_weather"))),
    ],
    "tools.delta-first-complete": [
        (FAIL, toolstream(piece(0, type="function", name="get_weather"), *REST)),
        (FAIL, toolstream(piece(0, id="", type="function", name="get_weather"), *REST)),
        (FAIL, toolstream(piece(0, id="a", type="function", arguments=OSLO))),
        (PASS, toolstream(BEGIN, *REST)),
        (OPEN, stream([chunk({"role": "assistant", "content": "a", "tool_calls": None}), END], ask_=tools("auto"))),
    ],
    "tools.delta-type-first": [
        (FAIL, toolstream(piece(0, id="a", name="get_weather"), *REST)),
        (PASS, toolstream(BEGIN, *REST)),
    ],
    "tools.delta-id-once": [
        (FAIL, toolstream(BEGIN, piece(0, id="", arguments=OSLO))),
        (FAIL, toolstream(BEGIN, piece(0, id="call_1", arguments=OSLO))),
        (PASS, toolstream(BEGIN, piece(0, id=None, arguments=OSLO))),
    ],
    "tools.delta-name-once": [
        (FAIL, toolstream(BEGIN, piece(0, name="", arguments=OSLO))),
        (PASS, toolstream(BEGIN, piece(0, name=None, arguments=OSLO))),
    ],
    "tools.arguments-incremental": [
        (FAIL, toolstream(BEGIN, piece(0, arguments=json.dumps({"city": "O" * 60})))),
        (PASS, toolstream(BEGIN, piece(0, arguments='{"city": "'), piece(0, arguments="O" * 60 + '"}'))),
        (OPEN, toolstream(BEGIN, piece(0, arguments=OSLO))),
    ],
    "structured.schema-honoured": [
        (FAIL, chat(message("Sure!"), ask_=ask(response_format=FORMAT))),
        (FAIL, chat(message('{"city": "Rome"}'), ask_=ask(response_format=FORMAT))),
        (FAIL, stream(ask_=ask(response_format=FORMAT))),
        (PASS, chat(message(f" {OSLO}\n"), ask_=ask(response_format=FORMAT))),
        (OPEN, chat(message('{"ci', "length"), ask_=ask(response_format=FORMAT))),
        (OPEN, chat(message("Sure!"), ask_=ask(response_format=LOOSE))),
        (OPEN, chat(message(None, refusal="No."), ask_=ask(response_format=FORMAT))),
    ],
    "structured.json-object": [
        (FAIL, chat(message("```json\n{}\n```"), ask_=ask(response_format={"type": "json_object"}))),
        (FAIL, chat(message("[]"), ask_=ask(response_format={"type": "json_object"}))),
        (PASS, chat(message("{}"), ask_=ask(response_format={"type": "json_object"}))),
        (OPEN, chat(message("{", "length"), ask_=ask(response_format={"type": "json_object"}))),
    ],
    "structured.json-object-offered": [
        (
            FAIL,
            [
                chat(ask_=ask(response_format=LOOSE)),
                chat(ask_=ask(response_format={"type": "json_object"}), status=400),
            ],
        ),
        (PASS, [chat(ask_=ask(response_format=LOOSE)), chat(ask_=ask(response_format={"type": "json_object"}))]),
        (
            OPEN,
            [
                chat(ask_=ask(response_format=LOOSE), status=400),
                chat(ask_=ask(response_format={"type": "json_object"}), status=400),
            ],
        ),
    ],
}
