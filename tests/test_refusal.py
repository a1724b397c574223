"""What is a refusal of a work or a word, and what is a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seatrial.model import Case, Exchange, Operation, Request, Scenario
from seatrial.profile import Profile, Target
from seatrial.refusal import refused
from seatrial.rewording import Rewording

CHAT = Operation("createChatCompletion", "POST", "/chat/completions")
CASE = Case(Scenario("unit", "unit", "unit", "chat", "unit", (), ("chat",), "gate", {}, ()))


def answered(ask: dict[str, Any], status: int, message: str, param: str | None) -> Exchange:
    error = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": None}}
    request = Request("POST", "http://x/chat/completions", (), json.dumps({"model": "m", **ask}).encode())
    return Exchange(1, CHAT, request, status, (), json.dumps(error).encode())


@pytest.mark.parametrize(
    ("status", "message", "param", "capability"),
    [
        (400, "The model `m` does not support Chat Completions API", None, "chat"),
        (400, "This model cannot be used here.", "model", "chat"),
        (
            400,
            "Unsupported value: 'temperature' does not support 0 with this model.",
            "temperature",
            "chat.temperature",
        ),
        (422, "`temperature` must be strictly positive", "temperature", None),
        (400, "Something else is not supported.", "messages", None),
    ],
)
def test_what_names_its_want_is_no_fault(status: int, message: str, param: str | None, capability: str | None) -> None:
    exchange = answered({"temperature": 0}, status, message, param)
    said = refused(exchange, ["chat"], Target("http://x/v1", "KEY", {"chat": "m"}, Profile("p", "P")))
    assert (said or "").split(": ")[1:2] == ([capability] if capability else [])


def test_a_form_of_the_prompt_may_be_refused() -> None:
    error = {"error": {"message": "only one prompt", "type": "x", "param": "prompt", "code": None}}
    request = Request("POST", "http://x/completions", (), json.dumps({"prompt": ["Hello", "Hello"]}).encode())
    legacy = Operation("createCompletion", "POST", "/completions")
    exchange = Exchange(1, legacy, request, 400, (), json.dumps(error).encode())
    target = Target("http://x/v1", "KEY", {"completions": "m"}, Profile("p", "P"))
    assert (refused(exchange, ["completions"], target) or "").startswith("unsupported: completions.batch-prompts")


@pytest.mark.parametrize(
    ("ask", "word", "other"),
    [
        ({"max_tokens": 8}, "max_tokens", {"max_completion_tokens": 8}),
        ({"temperature": 0.5, "n": 2}, "temperature", {"n": 2}),
        ({"temperature": 3}, "temperature", None),
        ({"max_tokens": -1}, "max_tokens", None),
    ],
)
def test_what_is_turned_down_is_asked_in_other_words(
    ask: dict[str, Any], word: str, other: dict[str, Any] | None
) -> None:
    words = Rewording()
    exchange = answered(ask, 400, f"Unsupported parameter: '{word}' is not supported with this model.", word)
    assert words.learn(CASE, exchange) is (other is not None)
    assert words.body(CASE, CHAT, ask) == (ask if other is None else other)
