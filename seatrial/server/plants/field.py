"""Defects of chat, completions and embeddings that users of servers reported; and legal variants that look like them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from seatrial.server import tokens
from seatrial.server.plant import Json
from seatrial.server.plants.answers import answer, error, posted
from seatrial.server.plants.shape import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    all_chunks,
    calls,
    defect,
    delta_calls,
    each_chunk,
    ignoring,
    result,
    result_of,
    text_piece,
    variant,
)

SHOULD = {"level": "SHOULD"}


def _both_ways(change: Callable[[Json, Json], Any], *routes: str) -> dict[str, Any]:
    """The change in plain answers and in each chunk of streams."""

    def changed(body: Json, chunks: list[Json]) -> list[Json]:
        for chunk in chunks:
            change(body, chunk)
        return chunks

    return {"result": result_of(change, *routes), "chunks": all_chunks(changed, *routes)}


def _recount(usage: Json, **counts: int) -> None:
    usage.update(counts)
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]


def _streamed_count(change: Callable[[int], int]) -> Any:
    def each(at: int, chunk: Json) -> None:
        if chunk.get("usage"):
            _recount(chunk["usage"], completion_tokens=change(chunk["usage"]["completion_tokens"]))

    return each_chunk(each, CHAT, COMPLETIONS)


def _for_each_choice(body: Json, made: Json) -> None:
    if made.get("usage"):
        _recount(made["usage"], prompt_tokens=made["usage"]["prompt_tokens"] * (body.get("n") or 1))


def _last_counted(body: Json, made: Json) -> None:
    prompts = body.get("prompt")
    if isinstance(prompts, list) and isinstance(prompts[-1], str) and made.get("usage"):
        _recount(made["usage"], prompt_tokens=max(1, tokens.count(prompts[-1])))


def _begun(body: Json, text: str) -> int:
    """How many characters at the end of a text are how a stop sequence begins."""
    stops = body.get("stop") or []
    listed = [stops] if isinstance(stops, str) else stops
    return max((n for stop in listed for n in range(1, len(stop)) if text.endswith(stop[:n])), default=0)


def _end_held(body: Json, made: Json) -> None:
    for choice in made["choices"]:
        text = choice["message"]["content"]
        if text and (held := _begun(body, text)):
            choice["message"]["content"] = text[:-held]


def _end_never_sent(body: Json, chunks: list[Json]) -> list[Json]:
    held = _begun(body, "".join(map(text_piece, chunks)))
    for chunk in reversed(chunks):
        text = text_piece(chunk)
        if held and text and "delta" in chunk["choices"][0]:
            chunk["choices"][0]["delta"]["content"] = text[:-held] if held < len(text) else ""
            held -= min(held, len(text))
    return chunks


def _says_stop(body: Json, made: Json) -> None:
    for choice in made["choices"]:
        if choice.get("finish_reason") == "length":
            choice["finish_reason"] = "stop"


def _in_messages(change: Callable[[list[Json]], list[Json]]) -> Callable[[str, Json], Json]:
    def hook(route: str, body: Json) -> Json:
        messages = body.get("messages")
        good = route == CHAT and isinstance(messages, list) and all(isinstance(one, dict) for one in messages)
        return {**body, "messages": change(messages)} if good and messages else body

    return hook


def _parts(kept: slice) -> Callable[[str, Json], Json]:
    return _in_messages(
        lambda messages: [
            {**one, "content": one["content"][kept]} if isinstance(one.get("content"), list) else one
            for one in messages
        ]
    )


def _one_system(at: int) -> Callable[[str, Json], Json]:
    def change(messages: list[Json]) -> list[Json]:
        told = [one for one in messages if one.get("role") == "system"]
        return [one for one in messages if one.get("role") != "system" or one is told[at]]

    return _in_messages(change)


def _calls_forgotten(messages: list[Json]) -> list[Json]:
    made = copy.deepcopy(messages)
    for one in made:
        for call in one.get("tool_calls") or ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                function["arguments"] = "{}"
    return made


def _in_text(change: Callable[[str], str]) -> Callable[[str, Json], Json]:
    """Changes each text of a request, as the server reads it."""

    def read(value: Any) -> Any:
        if isinstance(value, list):
            return [read(item) for item in value]
        if isinstance(value, dict):
            return {name: read(item) if name in ("content", "text") else item for name, item in value.items()}
        return change(value) if isinstance(value, str) else value

    named = ("messages", "prompt")
    return lambda route, body: {name: read(value) if name in named else value for name, value in body.items()}


def _pieces(change: Callable[[str], str]) -> Any:
    def each(at: int, chunk: Json) -> None:
        for choice in chunk["choices"]:
            if isinstance(choice.get("delta", {}).get("content"), str):
                choice["delta"]["content"] = change(choice["delta"]["content"])

    return each_chunk(each, CHAT)


def _ascii(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii())


def _latin(text: str) -> str:
    return text.encode("utf-8", "replace").decode("latin-1")


def _reordered(route: str, body: Json) -> Json:
    """The schema as a server has it that keeps its members in a sorted map."""

    def each(schema: Any) -> Any:
        if isinstance(schema, list):
            return [each(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        made = {name: each(value) for name, value in schema.items()}
        if isinstance(made.get("properties"), dict):
            made["properties"] = dict(sorted(made["properties"].items()))
        return made

    wanted = body.get("response_format")
    if not isinstance(wanted, dict) or not isinstance(wanted.get("json_schema"), dict):
        return body
    inner = {**wanted["json_schema"], "schema": each(wanted["json_schema"].get("schema"))}
    return {**body, "response_format": {**wanted, "json_schema": inner}}


def _tools_only(route: str, body: Json) -> Json:
    return ignoring("response_format")(route, body) if body.get("tools") else body


def _nulls(place: int, call: Json) -> None:
    if call["function"]["arguments"] == "{}":
        call["function"]["arguments"] = "null"


def _null_delta(first: bool, call: Json) -> None:
    if call["function"].get("arguments") == "{}":
        call["function"]["arguments"] = "null"


def _over_again(made: Json) -> None:
    for choice in made["choices"]:
        if choice["message"].get("tool_calls"):
            choice["message"]["content"] = choice["message"]["tool_calls"][0]["function"]["arguments"]


def _over_again_streamed(body: Json, chunks: list[Json]) -> list[Json]:
    made = []
    for chunk in chunks:
        made.append(chunk)
        for choice in chunk["choices"]:
            said = [call["function"].get("arguments") for call in choice["delta"].get("tool_calls") or ()]
            if any(said):
                made.append({**chunk, "choices": [{**choice, "delta": {"content": "".join(map(str, said))}}]})
    return made


def _marked(call: Json) -> None:
    if call["function"].get("name"):
        call["function"]["name"] += "<|channel|>commentary"


def _short_unscaled(body: Json, made: Json) -> None:
    for row in made["data"] if body.get("dimensions") else ():
        if isinstance(row["embedding"], list):
            row["embedding"] = [value * 0.7 for value in row["embedding"]]


def _offsets_anew(at: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        table = choice.get("logprobs")
        if table and table["text_offset"]:
            table["text_offset"] = [place - table["text_offset"][0] for place in table["text_offset"]]


def _chosen_lost(body: Json, made: Json) -> None:
    for choice in made["choices"] if body.get("logprobs") == 0 else ():
        choice["logprobs"] = None


def _role(at: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        if choice["delta"].get("role"):
            choice["delta"]["role"] = "user"


def _refused(wrong: Callable[[Json], bool], status: int) -> Callable[[Any, bytes], Any]:
    """Refuses, or fails at, chat requests of which that is true."""

    def before(request: Any, body: bytes) -> Any:
        found = posted(request, body, CHAT)
        return error(status, "this request cannot be read") if found and wrong(found) else None

    return before


def _objects(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _empty_result(body: Json) -> bool:
    return any(one.get("role") == "tool" and one.get("content") == "" for one in _objects(body.get("messages")))


def _strict_null(body: Json) -> bool:
    functions = _objects([tool.get("function") for tool in _objects(body.get("tools"))])
    return any("strict" in one and one["strict"] is None for one in functions)


def _odd_pattern(body: Json) -> bool:
    return '"pattern": "("' in json.dumps(body.get("response_format"))


def _recursive(body: Json) -> bool:
    return '"$ref": "#"' in json.dumps(body.get("response_format"))


def _bias_beyond(body: Json) -> bool:
    bias = body.get("logit_bias")
    return isinstance(bias, dict) and any(len(token) > 6 for token in bias)


def _surrogate(body: Json) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in json.dumps(body, ensure_ascii=False))


def _late(request: Any, body: bytes) -> Any:
    """A format that is none is found out when the stream has begun."""
    found = posted(request, body, CHAT)
    wanted = found.get("response_format") if found and found.get("stream") is True else None
    if not isinstance(wanted, dict) or wanted.get("type") in ("text", "json_object", "json_schema"):
        return None
    made = {"error": {"message": "unknown format", "type": "invalid_request_error", "param": None, "code": None}}
    return answer(200, f"data: {json.dumps(made)}\n\ndata: [DONE]\n\n".encode(), "text/event-stream")


def _allowed_ignored(route: str, body: Json) -> Json:
    choice = body.get("tool_choice")
    inner = choice.get("allowed_tools") if isinstance(choice, dict) else None
    return {**body, "tool_choice": inner.get("mode", "auto")} if isinstance(inner, dict) else body


def _odd(body: Json) -> bool:
    choice = body.get("tool_choice")
    narrowed = isinstance(choice, dict) and "allowed_tools" in choice
    return narrowed or _odd_pattern(body) or _recursive(body) or _bias_beyond(body) or _surrogate(body)


def _odd_refused(request: Any, body: bytes) -> Any:
    found = posted(request, body, CHAT)
    names = [name for name in ("tool_choice", "response_format", "logit_bias") if found and name in found]
    return error(400, "not supported", names[0] if names else "messages") if found and _odd(found) else None


def _spoken(body: Json, chunks: list[Json]) -> list[Json]:
    """A word before the calls, as models say it that are free to."""
    made: list[Json] = []
    if not any(choice.get("delta", {}).get("tool_calls") for chunk in chunks for choice in chunk["choices"]):
        return chunks
    for chunk in chunks:
        made.append(chunk)
        for choice in chunk["choices"] if chunk["choices"] and body.get("tool_choice", "auto") == "auto" else ():
            if choice["delta"].get("role") and choice["delta"].get("content") is None:
                made.append({**chunk, "choices": [{**choice, "delta": {"content": _WORD}}]})
    return made


def _spoken_plain(body: Json, made: Json) -> None:
    for choice in made["choices"] if body.get("tool_choice", "auto") == "auto" else ():
        if choice["message"].get("tool_calls"):
            choice["message"]["content"] = _WORD


_WORD = 'Let me call it with {"city":"Paris"}.'


def _tops_of_before(body: Json, made: Json) -> None:
    for choice in made["choices"]:
        records = (choice.get("logprobs") or {}).get("content") or []
        for record in records:
            record["top_logprobs"] = copy.deepcopy(records[0]["top_logprobs"])


COUNTED, INTACT = "stream.completion-tokens-equal-plain", "stream.text-intact"

PLANTS = (
    defect("field.stream-count/less", "usage", "a stream counts one token less", COUNTED, source="lm-sys/FastChat#3843", chunks=_streamed_count(lambda n: max(1, n - 1)), **SHOULD),
    defect("field.stream-count/words", "usage", "a stream counts the answer with another tokenizer", COUNTED, source="BerriAI/litellm#1304", chunks=_streamed_count(lambda n: max(1, n * 3 // 4)), **SHOULD),
    defect("field.prompt-once/each", "usage", "a prompt counts once for each choice", "usage.prompt-once", source="openai/openai-python#155", **_both_ways(_for_each_choice, CHAT, COMPLETIONS), **SHOULD),
    defect("field.batch-counted/last", "completions", "of a batch the last prompt is counted", "completions.batch-counted", source="langchain-ai/langchainjs#383", **_both_ways(_last_counted, COMPLETIONS), **SHOULD),
    defect("field.cut-says-length/stop", "chat", "what was cut at the limit says stop", "limits.cut-says-length", "structured.*", "tools.arguments-json", source="mudler/LocalAI#3533", **_both_ways(_says_stop, CHAT, COMPLETIONS)),
    defect("field.stop-begun/stream", "chat", "a stream keeps back for ever what a stop sequence begins with", "stream.equals-plain", source="ggml-org/llama.cpp#9867", chunks=all_chunks(_end_never_sent, CHAT)),
    defect("field.stop-begun/plain", "chat", "an answer loses the end that a stop sequence begins with", "stop.prefix-of-uncut", source="Blaizzy/mlx-vlm#1845", result=result_of(_end_held, CHAT), chunks=all_chunks(_end_never_sent, CHAT), **SHOULD),
    defect("field.text-parts/first", "chat", "of several text parts the first is read", "chat.text-parts*/must/body", "chat.*", "vision.image-counted", source="google/adk-python#606", body=_parts(slice(0, 1))),
    defect("field.text-parts/last", "chat", "of several text parts the last is read", "chat.text-parts*/must/body", source="Blaizzy/mlx-vlm#1137", body=_parts(slice(-1, None))),
    defect("field.system/first", "chat", "system messages after the first are not read", "usage.prompt-grows", source="Arthur-Ficial/apfel#390", body=_one_system(0), **SHOULD),
    defect("field.system/last", "chat", "of several system messages the last is read", "usage.prompt-grows", source="ollama/ollama#2438", body=_one_system(-1), **SHOULD),
    defect("field.prompt/ascii", "chat", "a prompt loses its characters of several bytes", "chat.prompt-unicode/*/must/body", "completions.*", body=_in_text(_ascii)),
    defect("field.prompt/latin-1", "completions", "a prompt is read as Latin-1", "completions.echo", source="Miosa-osa/OSA#137", body=_in_text(_latin)),
    defect("field.prompt/question-marks", "completions", "a prompt has question marks for characters beyond ASCII", "completions.echo", body=_in_text(lambda text: text.encode("ascii", "replace").decode())),
    defect("field.text-intact/gone", "chat streaming", "a stream has no characters of several bytes", INTACT, "structured.schema-honoured", source="leonickson1/Swiftlet#7", chunks=_pieces(_ascii)),
    defect("field.text-intact/latin-1", "chat streaming", "a stream has each byte of UTF-8 as a character", INTACT, "structured.schema-honoured", source="Miosa-osa/OSA#137", chunks=_pieces(_latin)),
    defect("field.role/user", "chat streaming", "the role of a stream is user", "stream.role-assistant", chunks=each_chunk(_role, CHAT), **SHOULD),
    defect("field.tools/history", "tools", "the calls of earlier turns are not read", "tools.history/*/should/body", body=_in_messages(_calls_forgotten), **SHOULD),
    defect("field.tools/empty-result", "tools", "an empty result of a tool is refused", "tools.result-empty/*/must/status", source="earendil-works/pi#3311", before=_refused(_empty_result, 400)),
    defect("field.tools/strict-null", "tools", "strict null is refused", "tools.strict-null/*/must/status", source="sgl-project/sglang#36194", before=_refused(_strict_null, 400)),
    defect("field.tools/allowed", "tools", "the tools that the request allows are not heeded", "tools.allowed-called", body=_allowed_ignored),
    defect("field.tools/null", "tools", "a call without arguments has null", "tools.arguments-object", source="huggingface/huggingface_hub#3126", result=result(calls(_nulls), CHAT), chunks=delta_calls(_null_delta), **SHOULD),
    defect("field.tools/content", "tools", "the text of a call is its arguments over again", "tools.content-own", source="youssofal/MTPLX#249", result=result(_over_again, CHAT), chunks=all_chunks(_over_again_streamed, CHAT), **SHOULD),
    defect("field.tools/content-stream", "tools streaming", "a stream says the arguments as text too", "tools.content-own", source="oobabooga/textgen#7427", chunks=all_chunks(_over_again_streamed, CHAT), **SHOULD),
    defect("field.tools/marked-name", "tools", "the name of a function ends with marks of the template", "tools.known-name", "tools.named-called", source="vllm-project/vllm#32587", result=result(calls(lambda place, call: _marked(call)), CHAT), chunks=delta_calls(lambda first, call: _marked(call))),
    defect("field.format/with-tools", "structured outputs", "a schema is ignored where tools are offered", "structured.schema-honoured", source="ollama/ollama#11037", body=_tools_only),
    defect("field.format/sorted", "structured outputs", "the members of structured answers are sorted", "structured.key-order", source="ollama/ollama#8461", body=_reordered, **SHOULD),
    defect("field.format/pattern", "structured outputs", "a pattern that is none is a 500", "http.no-server-error", "structured.odd-schema*", source="vllm-project/vllm#17313", before=_refused(_odd_pattern, 500)),
    defect("field.format/recursive", "structured outputs", "a schema that refers to itself is a 500", "http.no-server-error", "structured.*", source="ggml-org/llama.cpp#22606", before=_refused(_recursive, 500)),
    defect("field.bias/beyond", "chat", "a bias on an unknown token is a 500", "http.no-server-error", "chat.bias-beyond/*", source="vllm-project/vllm#16529", before=_refused(_bias_beyond, 500)),
    defect("field.prompt/surrogate", "errors", "half a surrogate pair is a 500", "http.no-server-error", "errors.lone-surrogate*", source="raullenchai/Rapid-MLX#730", before=_refused(_surrogate, 500)),
    defect("field.errors/late", "errors", "what is wrong is told in the stream", "errors.stream-late*/must/status", "stream.no-error-event", source="sgl-project/sglang#23821", before=_late),
    defect("field.logprobs/before", "logprobs", "each token has the alternatives of the first", "logprobs.top-own", source="sgl-project/sglang#30188", result=result_of(_tops_of_before, CHAT), **SHOULD),
    defect("field.logprobs/anew", "completions", "the offsets of a stream begin anew in each chunk", "completions.logprobs-offsets", source="vllm-project/vllm#47815", chunks=each_chunk(_offsets_anew, COMPLETIONS), **SHOULD),
    defect("field.logprobs/zero", "completions", "logprobs 0 is taken for none", "completions.logprobs-chosen", source="xorbitsai/inference#5270", **_both_ways(_chosen_lost, COMPLETIONS), **SHOULD),
    defect("field.echo/stream", "completions", "echo is ignored in streams", "completions.echo", body=lambda route, body: {**body, "echo": False} if body.get("stream") and "echo" in body else body),
    variant("odd-refused", "schemas, biases, texts and choices that are odd are refused", before=_odd_refused),
    variant("word-before-calls", "a model that is free to call says what it does", result=result_of(_spoken_plain, CHAT), chunks=all_chunks(_spoken, CHAT)),
    defect("field.short/unscaled", "embeddings", "shortened vectors are not scaled again", "embeddings.short-norm", source="huggingface/text-embeddings-inference#676", result=result_of(_short_unscaled, EMBEDDINGS), **SHOULD),
)  # fmt: skip
