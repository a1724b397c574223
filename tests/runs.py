"""Runs made by hand, for what is told of them: everything that a report may have to show, a clean one, one cut off."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from seatrial import run
from seatrial.loading import report_formats
from seatrial.model import (
    REDACTED,
    Event,
    Exchange,
    Finding,
    Level,
    Operation,
    Request,
    Status,
    TransportError,
    Verdict,
)

ROOT = Path(__file__).resolve().parent.parent
FORMATS = report_formats()
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)> | `a` @octocat #12 **b** "
HOSTILE += "\x1b[31m\u202eevil\u2066 ]]> &amp; \ud83d"
ASK = Operation("createChatCompletion", "POST", "/chat/completions")
CHUNK = "openai#/components/schemas/CreateChatCompletionStreamResponse"


def exchange(number: int, body: bytes = b'{"id":"chatcmpl-1"}', **how: Any) -> Exchange:
    asked = how.pop("asked", {"model": "tiny", "messages": [{"role": "user", "content": "Say it's fine: 👩‍🚀"}]})
    request = Request(
        "POST",
        "http://127.0.0.1:8000/v1/chat/completions",
        (
            ("user-agent", "seatrial/0"),
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("authorization", f"Bearer {REDACTED}"),
        ),
        asked if isinstance(asked, bytes) else json.dumps(asked, ensure_ascii=False).encode("utf-8"),
    )
    headers = (("content-type", "application/json"),)
    how = {"status": 200, "headers": headers, "step": "ask", "started": 1_760_000_001.0, **how}
    return Exchange(number, ASK, request, body=body, headers_ns=12_300_000, end_ns=345_600_000, **how)


def stream(number: int, chunks: list[str]) -> Exchange:
    events, body = [], b""
    for index, chunk in enumerate(chunks):
        piece = f"data: {chunk}\n\n".encode("utf-8", "surrogatepass")
        events.append(Event(chunk, "message", None, 20_000_000 + index * 1_500_000, len(body), len(body) + len(piece)))
        body += piece
    headers = (("content-type", "text/event-stream"), ("x-request-id", "req_1"))
    asked = {"model": "tiny", "stream": True, "messages": [{"role": "user", "content": "Count from one to five."}]}
    return exchange(number, body, events=tuple(events), headers=headers, asked=asked)


def verdict(check: str, status: Status = Status.PASS, level: Level = Level.MUST, **how: Any) -> Verdict:
    case = how.pop("case", "chat.plain")
    how = {"area": "chat", "requirement": "The stream ends with `data: [DONE]`.", "spec": CHUNK, "exchange": 1, **how}
    at = how.pop("at", f"{case}/ask/{check}")
    return Verdict(id=at, check=check, scenario=case.split("[")[0], case=case, level=level, status=status, **how)


def findings(*rows: tuple[str, str, str]) -> tuple[Finding, ...]:
    return tuple(Finding(*row) for row in rows)


def a_run(verdicts: list[Verdict], exchanges: list[Exchange] | None = None, **how: Any) -> run.Run:
    header = {
        "type": "header",
        "format": 1,
        "seatrial": "0.1.0",
        "started": 1_760_000_000.0,
        "target": {
            "base_url": "http://127.0.0.1:8000/v1",
            "profile": "reference",
            "models": {"chat": "tiny", "vision": "tiny"},
        },
        "capabilities": {"chat": True},
        "tier": "gate",
        "scenarios": None,
        "only": [],
        "skip": [],
        "known": [],
        "notes": ["no model was given: tiny is the first one listed"],
    }
    sent = {x.number: x for x in exchanges or []}
    footer = {
        "type": "footer",
        "complete": True,
        "requests": len(sent),
        "seconds": 12.345,
        "counts": run.counts(tuple(verdicts)),
    }
    cases = {v.case: {1: False} for v in verdicts}
    how = {"footer": footer, "planned": len(cases), "judged": cases, **how}
    return run.Run(header, tuple(verdicts), sent, **how)


def everything() -> run.Run:
    """A run with something of every kind in it, hostile and not."""
    long = [
        json.dumps({"id": "chatcmpl-9", "choices": [{"index": 0, "delta": {"content": f"word{n} 👩‍🚀"}}]})
        for n in range(400)
    ]
    exchanges = [
        exchange(1, json.dumps({"id": "chatcmpl-1", "usage": {"prompt_tokens": 9, "completion_tokens": 32}}).encode()),
        stream(2, [*long, "[DONE]"]),
        exchange(
            3,
            HOSTILE.encode("utf-8", "surrogatepass"),
            status=500,
            headers=(("x-evil", HOSTILE), ("content-type", "text/html")),
        ),
        exchange(4, b"", status=None, headers=(), error=TransportError("reset", "the connection was reset")),
        exchange(5, json.dumps({"data": [{"embedding": [0.125] * 9000}]}).encode()),
        stream(6, ['{"id":"a","choices":[{"index":0,"delta":{"role":"assistant"}}]}', HOSTILE]),
        exchange(7, b'{"ok": "\xff\xfe"}'),
    ]
    verdicts = [verdict("wire.body-schema", case=f"chat.plain[{n}]") for n in range(40)]
    verdicts += [verdict("sse.closes", area="SSE framing", case=f"sse.basic[{n}]") for n in range(9)]
    missing = ("data: [DONE]", '{"id":"chatcmpl-9","choices":[]}', "the last event")
    verdicts += [
        verdict(
            "stream.done-sentinel",
            Status.FAIL,
            case=f"chat.stream[{n}]",
            area="chat streaming",
            exchange=2,
            findings=findings(missing),
        )
        for n in (
            "ascii",
            "emoji",
            "cjk",
            "long",
            "n2",
            "tools",
            "stop",
            "seed",
            "usage",
            "json",
            "echo",
            "top",
            "again",
            "last",
        )
    ]
    wanted = findings(("status 200", "status 500", "status line"), ("no " + HOSTILE, HOSTILE, "the body"))
    verdicts += [
        verdict("must/status", Status.FAIL, case="chat.hostile", exchange=3, requirement=HOSTILE, findings=wanted),
        verdict(
            "http.answered",
            Status.FAIL,
            case="chat.reset",
            exchange=4,
            findings=findings(("an answer", "a reset", "connection")),
        ),
        verdict(
            "stream.equals-plain",
            Status.FAIL,
            at="chat.stream[ascii]/stream.equals-plain",
            case="chat.stream[ascii]",
            exchange=6,
            findings=findings(("'one two'", "'one'", "choices/0")),
        ),
        verdict(
            "embeddings.finite",
            Status.FAIL,
            known=True,
            reason="known: rounds (https://example.org/1)",
            exchange=5,
            findings=findings(("a", "b", "c")),
        ),
        verdict(
            "headers.retry-after",
            Status.FAIL,
            Level.SHOULD,
            exchange=7,
            findings=findings(("a Retry-After header", "none", "headers")),
        ),
        verdict(
            "should/headers/x-request-id",
            Status.FAIL,
            Level.SHOULD,
            findings=findings(("{'type': 'string', 'minLength': 1}", "absent", "x-request-id")),
        ),
        verdict(
            "stream.terminal-delta-empty",
            Status.FAIL,
            Level.MAY,
            findings=findings(("{}", "{'content': 'x'}", "event 9")),
        ),
        verdict("usage.sum", reason="fixed: this known failure passes now"),
        verdict("stop.excluded", Status.INCONCLUSIVE, reason="the control run did not contain the stop sequence"),
        verdict("tools.known-name", Status.INCONCLUSIVE, area="tools", reason=HOSTILE, exchange=None),
        *(
            verdict(
                "logprobs.present",
                Status.SKIPPED,
                area="logprobs",
                case=f"logprobs.x[{n}]",
                exchange=None,
                reason="unsupported: logprobs: 400 not supported",
            )
            for n in range(5)
        ),
        verdict(
            "vision.image-counted", Status.SKIPPED, area="vision", exchange=None, reason="disabled: the profile says so"
        ),
        verdict("chat.n", Status.ERROR, reason="ZeroDivisionError: division by zero (chat.py:9)"),
    ]
    return a_run(verdicts, exchanges, notes=("a note with " + HOSTILE,))


def clean() -> run.Run:
    return a_run([verdict("wire.body-schema"), verdict("headers.retry-after", level=Level.SHOULD)], [exchange(1)])


def cut_off() -> run.Run:
    return replace(clean(), footer=None, planned=90)


RUNS = {"everything": everything, "clean": clean, "cut off": cut_off, "empty": lambda: a_run([], footer=None)}
