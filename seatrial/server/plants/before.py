"""Defects of a server that keeps something of one request for the next; and what is legal near by."""

from __future__ import annotations

from collections.abc import Callable

from seatrial.server.plant import Json
from seatrial.server.plants.responses_shape import RESPONSES
from seatrial.server.plants.shape import GENERATIONS, defect


def _kept(name: str, *routes: str) -> Callable[[str, Json], Json]:
    """Where a request does not set this parameter, that of the request before it holds."""
    last: dict[str, Json] = {}

    def hook(route: str, body: Json) -> Json:
        if route not in (routes or GENERATIONS):
            return body
        before, last[route] = last.get(route, {}), {k: v for k, v in body.items() if k == name}
        return {**before, **body}

    return hook


PLANTS = (
    defect("answers.not-inherited/stop", "chat", "the stop sequence of the request before still cuts", "answers.not-inherited", body=_kept("stop")),
    defect("answers.not-inherited/limit", "chat", "the limit of the request before still cuts", "answers.not-inherited", body=_kept("max_tokens")),
    defect("answers.not-inherited/bias", "chat", "the bias of the request before still holds", "answers.not-inherited", "relations.*", body=_kept("logit_bias")),
    defect("answers.not-inherited/logprobs", "logprobs", "log probabilities come as the request before asked for them", "logprobs.twins*/after/should/body", body=_kept("logprobs"), level="SHOULD"),
    *(defect(f"responses.not-inherited/{name}", "responses", f"the {name} of the request before still hold", "responses.not-inherited/after/must/body", body=_kept(name, RESPONSES)) for name in ("metadata", "instructions", "text")),
)  # fmt: skip
