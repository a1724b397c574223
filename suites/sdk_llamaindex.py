"""What LlamaIndex makes of the target, by its classes for servers that are like OpenAI's."""

from __future__ import annotations

import importlib
from typing import Any

from sdk_langchain import ASK, vectors  # type: ignore[import-not-found]
from sdk_tap import require  # type: ignore[import-not-found]

from seatrial.check import Inconclusive


def _chat(client: Any, most: int = 32) -> tuple[Any, list[Any]]:
    """The model object, and the messages that it is asked."""
    like = importlib.import_module("llama_index.llms.openai_like").OpenAILike
    kinds = importlib.import_module("llama_index.core.llms")
    how = {"is_chat_model": True, "is_function_calling_model": True, "max_tokens": most}
    return like(model=client.model, **how, **client.how("api_base")), [kinds.ChatMessage(role="user", content=ASK)]


def llamaindex_chat(client: Any) -> None:
    model, ask = _chat(client)
    made = model.chat(ask)
    require(made.message.role == "assistant", made.message.role)
    require(made.message.content is None or isinstance(made.message.content, str), made.message.content)
    count = made.additional_kwargs
    require(count and count["total_tokens"] == count["prompt_tokens"] + count["completion_tokens"], count)


def llamaindex_stream(client: Any) -> None:
    model, ask = _chat(client)
    pieces = list(model.stream_chat(ask))
    require(pieces, "no chunk")
    deltas = "".join(piece.delta or "" for piece in pieces)
    require(deltas == (pieces[-1].message.content or ""), f"{pieces[-1].message.content!r} after {deltas!r}")
    ends = [choice.finish_reason for piece in pieces for choice in piece.raw.choices if choice.finish_reason]
    require(len(ends) == 1 and (deltas or ends != ["stop"]), f"finish_reason {ends} after {deltas!r}")


def llamaindex_tools(client: Any) -> None:
    tools = importlib.import_module("llama_index.core.tools")

    def get_weather(city: str) -> str:
        """The weather of a city."""
        return f"Rain in {city}, 8 degrees."

    model, ask = _chat(client, 128)
    tool = tools.FunctionTool.from_defaults(get_weather)
    made = model.chat_with_tools([tool], chat_history=ask, tool_choice="get_weather")
    _called(model, made)
    *_, last = model.stream_chat_with_tools([tool], chat_history=ask, tool_choice="get_weather")
    _called(model, last)


def _called(model: Any, made: Any) -> None:
    ends = [choice.finish_reason for choice in made.raw.choices]
    if "length" in ends:
        raise Inconclusive("the answer was cut off")
    calls = model.get_tool_calls_from_response(made, error_on_no_tool_call=False)
    require(len(calls) == 1, calls)
    require(calls[0].tool_name == "get_weather" and calls[0].tool_id, calls[0])
    require(isinstance(calls[0].tool_kwargs, dict), calls[0].tool_kwargs)


def llamaindex_embeddings(client: Any) -> None:
    like = importlib.import_module("llama_index.embeddings.openai_like").OpenAILikeEmbedding
    made = like(model_name=client.model, **client.how("api_base"))
    vectors(made, "get_text_embedding_batch", "get_text_embedding")
