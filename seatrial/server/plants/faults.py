"""Faults that are accepted and ignored, or answered 5xx."""

from __future__ import annotations

from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.answers import STATUS
from seatrial.server.plants.shape import CHAT, COMPLETIONS, EMBEDDINGS, accepting, defect


def _crash_on(param: str) -> Any:
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
_TAKEN = {
    "max_completion_tokens": (CHAT, "chat.invalid-sampling-more?max-completion*"),
    "seed": (CHAT, "chat.invalid-seed*", "completions.invalid-more?seed*"),
    "user": (CHAT, "*.invalid-*more?user-number?*"),
    "metadata": (CHAT, "chat.invalid-metadata*"),
    "store": (CHAT, "chat.invalid-store/*"),
    "service_tier": (CHAT, "chat.invalid-service-tier/*"),
    "verbosity": (CHAT, "chat.invalid-verbosity/*"),
    "modalities": (CHAT, "chat.invalid-modalities/*"),
    "safety_identifier": (CHAT, "chat.invalid-safety-identifier/*"),
    "parallel_tool_calls": (CHAT, "chat.invalid-tools-more?parallel*"),
    "tools": (CHAT, "chat.invalid-tools*"),
    "echo": (COMPLETIONS, "completions.invalid-more?echo*"),
    "suffix": (COMPLETIONS, "completions.invalid-more?suffix*"),
}
"""More that are accepted: the route, and the cases that show it."""
_BROKEN = {
    "top_p": ("*.invalid-sampling*", "completions.invalid*"),
    "max_tokens": ("*.invalid-sampling*", "chat.invalid-limit*", "completions.invalid*"),
    "max_completion_tokens": ("chat.invalid-limit*", "chat.invalid-sampling-more?max-completion*"),
    "presence_penalty": ("chat.invalid-penalties*", "completions.invalid*"),
    "frequency_penalty": ("chat.invalid-penalties*", "completions.invalid*"),
    "logprobs": ("chat.invalid-logprobs*", "completions.invalid*"),
    "top_logprobs": ("chat.invalid-logprobs*",),
    "tool_choice": ("chat.invalid-tool*",),
    "parallel_tool_calls": ("chat.invalid-tools-more?parallel*",),
    "response_format": ("chat.invalid-response-format*", "structured.strict-misplaced/*"),
    "stream": ("chat.invalid-sampling*", "completions.invalid-more?stream*"),
    "stream_options": ("chat.invalid-stream-options*", "completions.invalid-*stream-options*"),
    "reasoning_effort": ("chat.invalid-effort/*",),
    "metadata": ("chat.invalid-metadata*",),
    "best_of": ("completions.best-of*", "completions.invalid-*best-of*"),
    "echo": ("completions.invalid-more?echo*",),
    "encoding_format": ("embeddings.invalid*encoding*",),
    "dimensions": ("embeddings.invalid-dimensions*",),
}
"""More that are a 500, and the cases that show it."""


PLANTS = (
    *(
        defect(
            f"accepts.{name}",
            route.strip("/"),
            f"a wrong {name} is accepted and ignored",
            *([f"{cases}must/status" for cases in shown] or [STATUS, "*/should/status"]),
            *(("stop.excluded",) if name == "stop" else ()),
            accepts=accepting(name),
        )
        for name, (route, *shown) in ({name: (route,) for name, route in _FIELDS.items()} | _TAKEN).items()
    ),
    *(
        defect(
            f"crashes.{name}",
            "errors",
            f"a wrong {name} is a 500",
            *([f"{cases}http.no-server-error" for cases in shown] or ["http.no-server-error", STATUS]),
            error=_crash_on(name),
        )
        for name, shown in (dict.fromkeys(_CRASHES, ()) | _BROKEN).items()
    ),
)
