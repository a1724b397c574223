"""Parameters that are taken and ignored."""

from __future__ import annotations

from seatrial.server.plant import Plant
from seatrial.server.plants.answers import STATUS
from seatrial.server.plants.shape import CHAT, COMPLETIONS, defect, ignoring

PLANTS: tuple[Plant, ...] = (
    *(
        defect(f"ignores.{name}", area, f"{name} is ignored", *trips, STATUS, body=ignoring(name, route=CHAT))
        for name, area, *trips in (
            ("max_tokens", "chat", "chat.max-tokens"),
            ("max_completion_tokens", "chat", "chat.max-tokens"),
            ("top_logprobs", "logprobs", "logprobs.top-count"),
            (
                "tool_choice",
                "tools",
                "tools.required-called",
                "tools.named-called",
                "tools.allowed-called",
                "tools.none-not-called",
            ),
        )
    ),
    defect(
        "ignores.tools",
        "tools",
        "tools and all that concerns them are ignored",
        "tools.required-called",
        "tools.named-called",
        STATUS,
        body=ignoring("tools", "tool_choice", "parallel_tool_calls", route=CHAT),
    ),
    defect(
        "ignores.best_of",
        "completions",
        "best_of is ignored",
        "completions.best-of-counted",
        STATUS,
        level="SHOULD",
        body=ignoring("best_of", route=COMPLETIONS),
    ),
)
