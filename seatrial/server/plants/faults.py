"""Faults that are accepted and ignored, or answered 5xx."""

from __future__ import annotations

from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.answers import STATUS
from seatrial.server.plants.shape import CHAT, COMPLETIONS, EMBEDDINGS, accepting, defect


def crash_on(param: str) -> Any:
    """A fault of this parameter is answered 500."""

    def error(route: str, status: int, envelope: Json) -> tuple[int, Any]:
        named = str((envelope.get("error") or {}).get("param") or "")
        if named.split(".")[0].split("[")[0] == param and status == 400:
            return 500, {"error": {"message": "internal error", "type": "server_error", "param": None, "code": None}}
        return status, envelope

    return error


_FIELDS = {
    "temperature": CHAT, "top_p": CHAT, "n": CHAT, "max_tokens": CHAT, "presence_penalty": CHAT, "frequency_penalty": CHAT, "stop": CHAT,
    "logit_bias": CHAT, "top_logprobs": CHAT, "logprobs": CHAT, "tool_choice": CHAT, "stream_options": CHAT, "response_format": CHAT,
    "stream": CHAT, "reasoning_effort": CHAT, "best_of": COMPLETIONS, "encoding_format": EMBEDDINGS, "dimensions": EMBEDDINGS,
}  # fmt: skip


_CRASHES = ("temperature", "messages", "n", "stop", "tools", "logit_bias", "prompt", "input", "model")


PLANTS = (
    *(
        defect(
            f"accepts.{name}",
            route.strip("/"),
            f"a wrong {name} is accepted and ignored",
            STATUS,
            "*/should/status",
            accepts=accepting(name),
        )
        for name, route in _FIELDS.items()
    ),
    *(
        defect(
            f"crashes.{name}",
            "errors",
            f"a wrong {name} is a 500",
            "http.no-server-error",
            STATUS,
            error=crash_on(name),
        )
        for name in _CRASHES
    ),
)
