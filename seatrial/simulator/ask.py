"""What a request asks of the model, read from the bodies of all operations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from seatrial.simulator.parse import Refused
from seatrial.simulator.timing import Timing

Json = dict[str, Any]
NONCE = re.compile(r"nonce:([\w.-]+)")
MODEL = "seatrial-sim"
LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
LONGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to the model; `tokens` are those of the answer and its reasoning together."""

    operation: str
    model: str
    prompt_tokens: int
    nonce: str | None = None
    tokens: int = 0
    reasoning: int = 0
    finish: str = "stop"
    streams: bool = False
    usage: bool = False
    body: Json | None = None

    @property
    def answer(self) -> int:
        return self.tokens - self.reasoning


def text_of(value: Any) -> str:
    """All text in a prompt: strings, lists of them, messages, content parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return " ".join(text_of(item) for item in value)
    if isinstance(value, dict):
        return text_of(value.get("content", value.get("text", "")))
    return str(value) if isinstance(value, int) else ""


def _last_user(value: Any) -> str:
    rows = (
        [row for row in value if isinstance(row, dict) and row.get("role") == "user"] if isinstance(value, list) else []
    )
    return text_of(rows[-1] if rows else value)


FIELDS = {
    "chat/completions": "messages",
    "completions": "prompt",
    "responses": "input",
    "embeddings": "input",
    "audio/speech": "input",
}
GENERATES = ("chat/completions", "completions", "responses")


def read(operation: str, body: Json, timing: Timing) -> Ask:
    """The ask of a JSON body. Raises Refused."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused(400, "you must provide a model parameter", "model")
    name = FIELDS[operation]
    prompt = body.get(name)
    if not isinstance(prompt, (str, list)) or not prompt:
        raise Refused(400, f"'{name}' is missing, empty or of the wrong type", name)
    if operation == "chat/completions" and not all(isinstance(row, dict) and "role" in row for row in prompt):
        raise Refused(400, "each of 'messages' is an object with a role", name)
    if body.get("n") not in (None, 1):
        raise Refused(400, "this server gives one choice: 'n' is 1", "n")
    text = text_of(prompt)
    words = len(text.split()) or 1
    nonce = NONCE.search(_last_user(prompt))
    found = nonce[1] if nonce else None
    if operation == "audio/speech":
        return Ask(operation, model, words, found, words, streams=True, body=body)
    if operation not in GENERATES:
        return Ask(operation, model, words, found, body=body)
    tokens, finish = timing.max_output, "stop"
    for limit in LIMITS:
        value = body.get(limit)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST:
            raise Refused(400, f"'{limit}' is not an integer from 1 to {LONGEST}", limit)
        tokens, finish = value, "length"
        break
    options = body.get("stream_options")
    return Ask(
        operation,
        model,
        words,
        found,
        tokens,
        0 if operation == "completions" else min(timing.reasoning, tokens - 1),
        finish,
        body.get("stream") is True,
        isinstance(options, dict) and options.get("include_usage") is True,
        body,
    )
