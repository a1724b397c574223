"""Usage in streams: where it comes, and where it does not."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

INCLUDE = "openai#/components/schemas/ChatCompletionStreamOptions/anyOf/0/properties/include_usage"


def _asked(x: Exchange) -> bool:
    options = x.request.get("stream_options")
    return view.is_stream(x) and isinstance(options, dict) and options.get("include_usage") is True


@check("stream.usage-chunk", level=MUST, applies=_asked, spec=INCLUDE)
def usage_chunk(exchange: Exchange) -> Iterator[Finding]:
    """With include_usage the last chunk before the sentinel carries the usage of the whole request."""
    last = view.whole_chunks(exchange)[-1]
    if not isinstance(last.get("usage"), dict):
        yield Finding("usage", str(last.get("usage", "absent"))[:80], "the last chunk")


@check("stream.usage-choices-empty", level=MUST, applies=_asked, spec=INCLUDE)
def usage_choices_empty(exchange: Exchange) -> Iterator[Finding]:
    """The chunk that carries the usage has an empty list of choices."""
    last = view.whole_chunks(exchange)[-1]
    if not isinstance(last.get("usage"), dict) or not isinstance(last.get("choices"), list):
        raise Inconclusive("the last chunk has no usage, or no list of choices")
    if last["choices"]:
        yield Finding("[]", str(last["choices"])[:100], "/choices of the last chunk")


@check("stream.usage-only-last", level=SHOULD, applies=_asked, spec=INCLUDE)
def usage_only_last(exchange: Exchange) -> Iterator[Finding]:
    """All chunks but the last have no usage, or null: clients that add up what they see count wrong otherwise."""
    chunks = view.whole_chunks(exchange)
    for index, chunk in enumerate(chunks[:-1]):
        if chunk.get("usage") is not None:
            yield Finding("null, or no usage", str(chunk["usage"])[:80], f"chunk {index}")
            return


@check("stream.usage-unasked", level=MAY, applies=lambda x: view.is_chat_stream(x) and not _asked(x), spec=INCLUDE)
def usage_unasked(exchange: Exchange) -> Iterator[Finding]:
    """A chunk without choices comes only where usage was asked for: simple clients index into it."""
    chunks = view.chunks(exchange)
    for index, chunk in enumerate(chunks):
        if chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict):
            yield Finding("no chunk of usage", "choices []", f"chunk {index}")
            return
