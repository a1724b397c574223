"""Images in the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, Exchange, Finding


def _applies(exchanges: Sequence[Exchange]) -> bool:
    return len({view.images(one) for one in exchanges if one.operation.id == "createChatCompletion"}) > 1


def _words(exchange: Exchange) -> Any:
    """The messages of a request without their images; a text of one part is that text."""
    found = []
    for message in exchange.request.get("messages") or []:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            kept = [part for part in content if not (isinstance(part, dict) and part.get("type") == "image_url")]
            content = kept[0].get("text") if len(kept) == 1 and isinstance(kept[0], dict) else kept
        found.append({**message, "content": content} if isinstance(message, dict) else message)
    return found


@relation("vision.image-counted", level=MUST, applies=_applies, spec="issue#raullenchai/Rapid-MLX/416")
def image_counted(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """An image is part of the prompt and counts in its tokens; a server that cannot read it refuses it."""
    judged = False
    for exchange in exchanges:
        if not view.has_image(exchange) or exchange.status is None:
            continue
        if 400 <= exchange.status < 500:
            judged = True
            continue
        for control in exchanges:
            same = view.same_but(control, exchange, "messages", "stream", "stream_options")
            fewer = view.is_chat(control) and view.images(control) < view.images(exchange)
            if not same or not fewer or _words(control) != _words(exchange):
                continue
            try:
                alone = view.count(view.usage(control), "prompt_tokens")
                tokens = view.count(view.usage(exchange), "prompt_tokens")
            except Inconclusive:
                continue
            if not alone or not tokens:
                continue  # usage.non-zero judges that
            judged = True
            if tokens <= alone:
                where = f"exchange {exchange.number} /usage/prompt_tokens"
                yield Finding(f"more than the {alone} of exchange {control.number}, without it", f"{tokens}", where)
                break
    if not judged:
        raise Inconclusive("the tokens of the prompt with and without the image are not known")
