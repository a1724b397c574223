"""What `langchain-openai` makes of the target: a model object that is asked, streamed, given tools, and embeds."""

from __future__ import annotations

import importlib
from typing import Any

from sdk_tap import require  # type: ignore[import-not-found]

from seatrial.check import Inconclusive

ASK = "Count from one to five."
TEXTS = ["A ship sails.", "Bread is baked."]


def _chat(client: Any, **more: Any) -> Any:
    openai = importlib.import_module("langchain_openai")
    return openai.ChatOpenAI(model=client.model, **client.how("base_url"), **{"max_tokens": 32, **more})


def _quiet() -> Any:
    """Nothing of a run is told to a tracing service, whatever the environment says."""
    return importlib.import_module("langsmith").tracing_context(enabled=False)


def langchain_chat(client: Any) -> None:
    with _quiet():
        made = _chat(client).invoke(ASK)
    require(isinstance(made.content, str), made.content)
    require(isinstance(made.response_metadata.get("finish_reason"), str), made.response_metadata)
    usage = made.usage_metadata
    require(usage and usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"], usage)


def langchain_stream(client: Any) -> None:
    with _quiet():
        chunks = list(_chat(client).stream(ASK))
    ends = [end for chunk in chunks if (end := chunk.response_metadata.get("finish_reason"))]
    require(len(ends) == 1, f"finish_reason {ends}")
    require(all(isinstance(chunk.content, str) for chunk in chunks), [chunk.content for chunk in chunks][:3])
    require("".join(chunk.content for chunk in chunks) or ends != ["stop"], "no text")


def langchain_tools(client: Any) -> None:
    messages = importlib.import_module("langchain_core.messages")
    model = _chat(client, max_tokens=128)
    bound = model.bind_tools([client.tool], tool_choice="get_weather")
    with _quiet():
        made = _call(bound.invoke(ASK))
        chunks = list(bound.stream(ASK))
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole += chunk
        _call(whole)
        result = messages.ToolMessage("Rain, 8 degrees.", tool_call_id=made.tool_calls[0]["id"])
        said = model.bind_tools([client.tool]).invoke([messages.HumanMessage(ASK), made, result])
    require(isinstance(said.content, str), said.content)


def _call(made: Any) -> Any:
    """The message, once its call of the named function was read as an agent does."""
    if made.response_metadata.get("finish_reason") == "length":
        raise Inconclusive("the answer was cut off")
    require(len(made.tool_calls) == 1, f"calls {made.tool_calls}, wrong calls {made.invalid_tool_calls}")
    call = made.tool_calls[0]
    require(call["name"] == "get_weather" and call["id"] and isinstance(call["args"], dict), call)
    return made


def langchain_embeddings(client: Any) -> None:
    openai = importlib.import_module("langchain_openai")
    # Its own tokenizer comes over the network and knows the models of one vendor only: texts are sent as they are.
    how = client.how("base_url")
    vectors(openai.OpenAIEmbeddings(model=client.model, check_embedding_ctx_length=False, **how), "embed_documents", "embed_query")  # fmt: skip


def vectors(made: Any, many: str, one: str) -> None:
    """A batch has a vector for each text, in the order of the texts: the first is that of the first text alone."""
    both, alone = getattr(made, many)(TEXTS), getattr(made, one)(TEXTS[0])
    require(len(both) == 2 and len(both[0]) == len(both[1]) == len(alone), f"vectors of {[len(v) for v in both]}")
    near, other = (sum(a * b for a, b in zip(vector, alone, strict=True)) for vector in both)
    require(near > other, "the vector of the second text comes first")
