"""Images in messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, Exchange, Finding


def _without_images(messages: Any) -> tuple[Any, int]:
    """The messages as plain texts, and how many image parts were in them."""
    images = 0
    texts = []
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            kept = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
            images += sum(isinstance(part, dict) and part.get("type") == "image_url" for part in content)
            content = "".join(str(text) for text in kept)
        texts.append((message.get("role") if isinstance(message, dict) else None, content))
    return texts, images


def _pairs(xs: Sequence[Exchange]) -> Iterator[tuple[Exchange, Exchange]]:
    seen = [(x, *_without_images(x.request.get("messages"))) for x in xs if view.is_chat(x)]
    for image, texts, count in seen:
        for control, plain, none in seen:
            if count and not none and texts == plain and view.same_but(image, control, "messages"):
                yield image, control


@relation(
    "vision.image-counted",
    level=MUST,
    applies=lambda xs: any(True for _ in _pairs(xs)),
    spec="openai#/components/schemas/ChatCompletionRequestMessageContentPartImage",
)
def image_counted(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """An image that is accepted is read: the prompt has more tokens than without it. A model that cannot, says 4xx."""
    for image, control in _pairs(exchanges):
        with_image = view.count(view.usage(image), "prompt_tokens")
        without = view.count(view.usage(control), "prompt_tokens")
        if with_image == 0 or without == 0:
            raise Inconclusive("the prompt's tokens were not counted")
        if with_image <= without:
            yield Finding(f"more than {without} prompt tokens", str(with_image), f"usage of exchange {image.number}")
