"""Legacy completions, logprobs, and streamed answers beside their plain twins."""

from __future__ import annotations

from tests.exchanges import (
    BEGIN,
    END,
    FIRST,
    FORMAT,
    HELLO,
    LEGACY,
    MARKUP,
    PORTS,
    REST,
    SETTLED,
    TOOL,
    TOOLS_END,
    USAGE,
    UTF,
    ask,
    called,
    chat,
    chunk,
    completion,
    message,
    piece,
    scored,
    stream,
    token,
    twins,
)
from tests.rows import FAIL, OPEN, OUT, PASS, Rows

ROWS: Rows = {
    "completions.logprobs-zero": [
        (FAIL, completion("one", ask_={"logprobs": 0})),
        (PASS, completion("one", ask_={"logprobs": 0}, logprobs={"tokens": ["one"], "token_logprobs": [-0.5]})),
        (OPEN, completion("", ask_={"logprobs": 0})),
        (OUT, completion("one", ask_={"logprobs": 1})),
    ],
    "stream.text-intact": [
        (FAIL, [chat(message("日本"), ask_=UTF), stream([FIRST, chunk({"content": "\ufffd\ufffd本"}), END], ask_=UTF)]),
        (PASS, [chat(message("日本"), ask_=UTF), stream([FIRST, chunk({"content": "日本"}), END], ask_=UTF)]),
        (
            PASS,
            [
                chat(message("日本"), ask_=UTF),
                stream([FIRST, chunk({"content": "日\ufffd"}), chunk({}, "length")], ask_=UTF),
            ],
        ),
        (OPEN, [chat(message("ab"), ask_=UTF), stream([FIRST, chunk({"content": "x\ufffdy"}), END], ask_=UTF)]),
        (OPEN, [chat(message("ab"), ask_=UTF), stream(ask_=UTF)]),
        (OUT, [chat(), stream()]),
    ],
    "stream.equals-plain": [
        (FAIL, twins([message("Hello!")], HELLO)),
        (FAIL, twins([message("Hello", "length")], HELLO)),
        (OPEN, twins([message("No")], HELLO)),
        (PASS, twins([message("Hello")], HELLO)),
        (PASS, twins([message("Hello")], [FIRST, chunk({"content": "Hello"}, "stop")], 1)),
        (PASS, twins([called()], [FIRST, BEGIN, *REST, TOOLS_END], tools=[TOOL])),
        (OPEN, twins([called()], [FIRST, BEGIN, piece(0, arguments='{"city": "Rome"}'), TOOLS_END], tools=[PORTS])),
        (OPEN, twins([called()], [FIRST, BEGIN, piece(0, arguments='{"city": "Rom"}'), TOOLS_END], tools=[PORTS])),
        (
            FAIL,
            twins(
                [called()], [FIRST, BEGIN, piece(0, arguments='{"city": "Rom is in Italy"}'), TOOLS_END], tools=[PORTS]
            ),
        ),
        (OPEN, twins([message("Hello!")], HELLO, 1)),
        (OPEN, [*twins([message("Hello!")], HELLO), chat(message("Ho"), ask_=ask(**SETTLED), number=9)]),
        (OPEN, twins([message(" Hello\n")], HELLO)),
        (OPEN, twins([message("Hello")], HELLO[:-1])),
        (OPEN, twins([called()], [FIRST, chunk({"content": MARKUP}), END], tools=[TOOL])),
        (OUT, [chat(), stream()]),
    ],
    "stream.prompt-tokens-equal-plain": [
        (FAIL, [chat(), stream([*HELLO, {**END, "choices": [], "usage": {**USAGE, "prompt_tokens": 4}}])]),
        (PASS, [chat(), stream([*HELLO, {**END, "choices": [], "usage": USAGE}])]),
        (OPEN, [chat(), stream([{**c, "usage": None} for c in HELLO])]),
    ],
    "logprobs.present": [
        (FAIL, chat(ask_=ask(logprobs=True))),
        (FAIL, chat(message(logprobs={"content": None, **LEGACY}), ask_=ask(logprobs=True))),
        (FAIL, stream(ask_=ask(logprobs=True))),
        (PASS, scored("ab", token("a"), token("b"))),
        (OPEN, chat(message(""), ask_=ask(logprobs=True))),
        (OUT, chat(ask_=ask(logprobs=False))),
    ],
    "logprobs.token-bytes": [
        (FAIL, scored(" a", token("a", bytes=[32, 97]))),
        (FAIL, scored(" a", token("\u0120a"))),
        (FAIL, scored("a", token("a", top=[token("\u0120b"), token("\u0120c")]))),
        (FAIL, scored("a", token("a", bytes=[300]))),
        (PASS, scored("é", token("\\xc3", bytes=[0xC3]), token("\ufffd", bytes=[0xA9]))),
        (PASS, scored("a", token("a", bytes=None), token("<|im_end|>", bytes=[]))),
        (PASS, scored("\u0120orn", token("\u0120orn"))),
        (OPEN, chat(ask_=ask(logprobs=True))),
    ],
    "logprobs.concat": [
        (FAIL, scored("abc", token("a"), token("b"))),
        (FAIL, scored("ab", token("x"), token("y"))),
        (PASS, scored("é", token("\\xc3", bytes=[0xC3]), token("\ufffd", bytes=[0xA9]))),
        (PASS, scored("ab", token(" ab"), token("<|im_end|>"))),
        (PASS, scored("one ", token("one"), token(" two"), token(" three"), stop=[" two three"])),
        (PASS, scored("a\ufffd", token("a"), token("?", bytes=[0xF0]), finish="length")),
        (PASS, scored("ab", token("a", bytes=None), token("b", bytes=None))),
        (OPEN, scored("é", token("\ufffd", bytes=None), token("\ufffd", bytes=None))),
        (OPEN, scored(" a", token("\u0120a"))),
    ],
    "logprobs.top-count": [
        (FAIL, scored("a", token("a"), top_logprobs=2)),
        (FAIL, scored("a", token("a", top=[token("a"), token("b"), token("c")]), top_logprobs=2)),
        (FAIL, scored("a", token("a", top_logprobs=None))),
        (PASS, scored("ab", token("a", top=[token("a")]), token("b", top=[token("b"), token("c")]), top_logprobs=2)),
        (PASS, scored("a", token("a"), top_logprobs=2, response_format=FORMAT)),
        (OPEN, chat(ask_=ask(logprobs=True))),
    ],
    "logprobs.non-positive": [
        (FAIL, scored("a", token("a", 0.7))),
        (FAIL, scored("a", token("a", -0.1, top=[token("b", 2)]))),
        (PASS, scored("a", token("a", 1e-7), token("b", -9999))),
        (OPEN, chat(ask_=ask(logprobs=True))),
    ],
    "logprobs.stream-equals-plain": [
        (
            FAIL,
            twins(
                [message("a", logprobs={"content": [token("a", -3.0)]})],
                [chunk({"role": "assistant", "content": "a"}, logprobs={"content": [token("a", -0.1)]}), END],
                logprobs=True,
            ),
        ),
        (
            PASS,
            twins(
                [message("a", logprobs={"content": [token("a", -0.11)]})],
                [chunk({"role": "assistant", "content": "a"}, logprobs={"content": [token("a", -0.1)]}), END],
                logprobs=True,
            ),
        ),
        (
            OPEN,
            twins([message("a", logprobs={"content": [token("a")]})], [chunk({"content": "a"}), END], logprobs=True),
        ),
        (
            OPEN,
            twins([message("b", logprobs={"content": [token("b")]})], [chunk({"content": "a"}), END], logprobs=True),
        ),
    ],
    "completions.echo": [
        (FAIL, completion(ask_={"echo": True})),
        (FAIL, completion("", ask_={"echo": True, "max_tokens": 0})),
        (PASS, completion(" One  two four", ask_={"echo": True})),
        (OPEN, completion("x", ask_={"echo": True, "prompt": [1, 2]})),
        (OPEN, completion("x", ask_={"echo": True, "prompt": "Ⅸ"})),
        (OUT, completion()),
    ],
    "completions.logprobs": [
        (FAIL, completion(ask_={"logprobs": 1})),
        (FAIL, completion(ask_={"logprobs": 1}, logprobs={"content": [token(" four")]})),
        (FAIL, completion(ask_={"logprobs": 1}, logprobs={**LEGACY, "text_offset": [0, 1]})),
        (PASS, completion(ask_={"logprobs": 1}, logprobs=LEGACY)),
        (OPEN, completion("", ask_={"logprobs": 1})),
        (OUT, completion(ask_={"logprobs": 0})),
    ],
    "completions.best-of-counted": [
        (FAIL, [completion(ask_={"best_of": 3, "max_tokens": 2}, finish="length")]),
        (FAIL, [completion(), completion(ask_={"best_of": 3}, number=2)]),
        (PASS, [completion(ask_={"best_of": 3, "max_tokens": 1}, finish="length")]),
        (OPEN, [completion("a"), completion("b", ask_={"best_of": 3}, number=2)]),
    ],
    "completions.id-prefix": [
        (FAIL, completion(id="chatcmpl-1")),
        (PASS, completion()),
        (OPEN, completion(id="")),
    ],
}
