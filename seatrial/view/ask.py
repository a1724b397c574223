"""What a request asked for, and of which kind an exchange is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatrial.check import Inconclusive
from seatrial.model import Exchange


def is_ok(exchange: Exchange) -> bool:
    """Whether the answer is a success (2xx)."""
    return exchange.status is not None and 200 <= exchange.status < 300


def is_chat(exchange: Exchange) -> bool:
    """A chat completion that succeeded, plain or streamed."""
    return exchange.operation.id == "createChatCompletion" and is_ok(exchange)


def is_completion(exchange: Exchange) -> bool:
    """A legacy completion that succeeded, plain or streamed."""
    return exchange.operation.id == "createCompletion" and is_ok(exchange)


def is_generation(exchange: Exchange) -> bool:
    """A chat or legacy completion that succeeded, plain or streamed."""
    return is_chat(exchange) or is_completion(exchange)


def is_response(exchange: Exchange) -> bool:
    """A response that was made, plain or streamed; one in the background may not be done."""
    return exchange.operation.id == "createResponse" and is_ok(exchange)


def is_embedding(exchange: Exchange) -> bool:
    """Embeddings that were given."""
    return exchange.operation.id == "createEmbedding" and is_ok(exchange)


def is_models(exchange: Exchange) -> bool:
    """A list of models, or one model, that was given."""
    return exchange.operation.id in ("listModels", "retrieveModel", "retrieveModelRaw") and is_ok(exchange)


def is_event_stream(exchange: Exchange) -> bool:
    """A success, of any operation, that says it is an event stream."""
    return is_ok(exchange) and exchange.media == "text/event-stream"


def is_stream(exchange: Exchange) -> bool:
    """A generation that was asked to stream and is answered by an event stream."""
    return is_generation(exchange) and exchange.asked_to_stream and exchange.media == "text/event-stream"


def is_chat_stream(exchange: Exchange) -> bool:
    """A chat completion that was asked to stream and is answered by an event stream."""
    return is_chat(exchange) and is_stream(exchange)


def is_plain(exchange: Exchange) -> bool:
    """A generation that was not asked to stream."""
    return is_generation(exchange) and not exchange.asked_to_stream


def member(exchange: Exchange, name: str, default: Any = None) -> Any:
    """A top-level member of the request; null is as good as absent."""
    value = exchange.request.get(name)
    return default if value is None else value


def number(exchange: Exchange, name: str) -> int | None:
    """A member of the request that is an integer, or None where it is absent, null or something else."""
    value = exchange.request.get(name)
    return None if isinstance(value, bool) or not isinstance(value, int) else value


def _batch(value: Any) -> list[Any]:
    if isinstance(value, str) or value is None:
        return [value]
    if not isinstance(value, list) or not value:
        raise Inconclusive("the request's input is of no known form")
    if all(isinstance(item, int) and not isinstance(item, bool) for item in value):
        return [value]
    if all(isinstance(item, (str, list)) for item in value):
        return value
    raise Inconclusive("the request's input is of no known form")


def prompts(exchange: Exchange) -> list[Any]:
    """The prompts of a legacy completion, each a text, a list of tokens, or None for the beginning of a document."""
    return _batch(exchange.request.get("prompt"))


def inputs(exchange: Exchange) -> list[Any]:
    """The texts, or lists of tokens, for which embeddings were asked."""
    return _batch(exchange.request.get("input"))


def wanted_choices(exchange: Exchange) -> int:
    """How many choices the request asks for: `n` of them, for each prompt."""
    n = member(exchange, "n", 1)
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise Inconclusive("the request's n is no positive integer")
    return n * len(prompts(exchange)) if exchange.operation.id == "createCompletion" else n


def limit(exchange: Exchange) -> int | None:
    """The limit of tokens of each choice that the request states, the larger one where it states two."""
    found = [number(exchange, name) for name in ("max_tokens", "max_completion_tokens")]
    stated = [value for value in found if value is not None]
    return max(stated) if stated else None


def stops(exchange: Exchange) -> list[str]:
    """The stop sequences of the request; empty ones are none."""
    stop = exchange.request.get("stop")
    listed = stop if isinstance(stop, list) else [stop]
    return [item for item in listed if isinstance(item, str) and item]


def echo(exchange: Exchange) -> bool:
    """Whether a legacy completion was asked to begin with its prompt."""
    return exchange.operation.id == "createCompletion" and exchange.request.get("echo") is True


def include_usage(exchange: Exchange) -> bool:
    """Whether the request asks for the usage of its stream."""
    options = exchange.request.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def functions(exchange: Exchange) -> dict[str, Mapping[str, Any]]:
    """The tools that the request offers, by name: the function, or the custom tool."""
    offered = exchange.request.get("tools")
    found: dict[str, Mapping[str, Any]] = {}
    for tool in offered if isinstance(offered, list) else []:
        for kind in ("function", "custom") if isinstance(tool, dict) else ():
            inner = tool.get(kind)
            if inner is None and exchange.operation.id == "createResponse" and tool.get("type") == kind:
                inner = tool
            if isinstance(inner, dict) and isinstance(inner.get("name"), str):
                found[inner["name"]] = inner
    return found


def tool_choice(exchange: Exchange) -> str:
    """`none`, `auto`, `required`, or `=name` where the request names the tool."""
    choice = exchange.request.get("tool_choice")
    if isinstance(choice, dict):
        for kind in ("function", "custom"):
            inner = choice.get(kind, choice if choice.get("type") == kind else None)
            if isinstance(inner, dict) and isinstance(inner.get("name"), str):
                return f"={inner['name']}"
        allowed = choice.get("allowed_tools")
        if isinstance(allowed, dict) and allowed.get("mode") == "required":
            return "required"
        return "auto"
    if choice in ("none", "required"):
        return str(choice)
    return "auto" if functions(exchange) else "none"


def forced(exchange: Exchange) -> bool:
    """Whether the request leaves the model no choice but to call a tool."""
    choice = tool_choice(exchange)
    return choice == "required" or choice.startswith("=")


def images(exchange: Exchange) -> int:
    """How many images a request for a chat completion has in its messages."""
    messages = exchange.request.get("messages") if exchange.operation.id == "createChatCompletion" else None
    contents = [one.get("content") for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return sum(isinstance(part, dict) and part.get("type") == "image_url" for part in parts)


def has_image(exchange: Exchange) -> bool:
    """Whether a request for a chat completion has an image in its messages."""
    return images(exchange) > 0
