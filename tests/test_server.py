"""The reference server, driven by the official client and by curl: a server, not a stub."""

from __future__ import annotations

import base64
import json
import shutil
import struct
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from seatrial import server

KEY = "sk-server"
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
}
ASK: Any = [{"role": "user", "content": "Tell me of the harbour."}]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with server.running(server.Settings(api_key=KEY)) as base:
        yield base


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key=KEY, max_retries=0) as made:
        yield made


def test_models_are_listed_and_retrieved(client: openai.OpenAI) -> None:
    listed = list(client.models.list())
    assert [client.models.retrieve(model.id) for model in listed] == listed
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("no-such-model")
    assert caught.value.code == "model_not_found"


def test_a_stream_adds_up_to_the_plain_answer(client: openai.OpenAI) -> None:
    plain = client.chat.completions.create(model="seatrial-chat", messages=ASK, temperature=0)
    with client.chat.completions.stream(
        model="seatrial-chat", messages=ASK, temperature=0, stream_options={"include_usage": True}
    ) as stream:
        whole = stream.get_final_completion()
    assert whole.choices[0].message.content == plain.choices[0].message.content
    assert whole.usage is not None
    assert whole.usage == plain.usage


def test_tools_are_called_with_arguments_that_keep_to_the_schema(client: openai.OpenAI) -> None:
    for choice in ("required", {"type": "function", "function": {"name": "get_weather"}}):
        how: Any = {"model": "seatrial-chat", "messages": ASK, "tools": [TOOL], "tool_choice": choice}
        call: Any = client.chat.completions.create(**how).choices[0].message.tool_calls
        assert set(json.loads(call[0].function.arguments)) == {"city", "days"}
        with client.chat.completions.stream(**how) as stream:
            streamed: Any = stream.get_final_completion().choices[0].message.tool_calls
        assert streamed[0].function.name == "get_weather"
        assert json.loads(streamed[0].function.arguments).keys() == {"city", "days"}


def test_a_tool_result_is_used(client: openai.OpenAI) -> None:
    history: Any = [
        *ASK,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "21 degrees"},
    ]
    said = client.chat.completions.create(model="seatrial-chat", messages=history).choices[0].message.content
    assert said is not None
    assert "21 degrees" in said


def test_structured_outputs_keep_to_the_schema(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"code": {"const": "QX-7"}},
        "required": ["code"],
        "additionalProperties": False,
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "code", "strict": True, "schema": schema}}
    said = client.chat.completions.create(model="seatrial-chat", messages=ASK, response_format=form)
    assert json.loads(said.choices[0].message.content or "") == {"code": "QX-7"}


def test_legacy_completions_take_every_form_of_prompt(client: openai.OpenAI) -> None:
    forms: Any = ["a b", ["a", "b"], [1, 2, 3], [[1, 2], [3]]]
    for prompt, wanted in zip(forms, (2, 4, 2, 4), strict=True):
        made = client.completions.create(model="seatrial-chat", prompt=prompt, n=2, max_tokens=3)
        assert [choice.index for choice in made.choices] == list(range(wanted))
    echoed = client.completions.create(model="seatrial-chat", prompt="One two", echo=True, max_tokens=0, logprobs=1)
    assert echoed.choices[0].text == "One two"
    assert echoed.choices[0].logprobs is not None


def test_embeddings_are_unit_vectors_in_both_encodings(client: openai.OpenAI) -> None:
    floats = client.embeddings.create(model="seatrial-embed", input=["ship", "boat"], encoding_format="float")
    raw = client.with_raw_response.embeddings.create(
        model="seatrial-embed", input=["ship", "boat"], encoding_format="base64"
    )
    for row, coded in zip(floats.data, json.loads(raw.text)["data"], strict=True):
        assert list(struct.unpack("<64f", base64.b64decode(coded["embedding"]))) == pytest.approx(row.embedding)
        assert sum(value * value for value in row.embedding) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"temperature": 2.1}, "temperature"),
        ({"n": 0}, "n"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"messages": []}, "messages"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_one_fault_is_one_400_that_names_it(client: openai.OpenAI, change: dict[str, Any], param: str) -> None:
    body = {"model": "seatrial-chat", "messages": ASK, **change}
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body=body, cast_to=object)
    assert caught.value.param == param


def test_a_wrong_key_is_401(url: str) -> None:
    with (
        openai.OpenAI(base_url=url, api_key="sk-other", max_retries=0) as other,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        other.models.list()
    assert caught.value.code == "invalid_api_key"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_curl_reads_a_stream(url: str) -> None:
    body = json.dumps({"model": "seatrial-chat", "messages": ASK, "stream": True})
    command = [
        "curl",
        "-sN",
        f"{url}/chat/completions",
        "-H",
        f"Authorization: Bearer {KEY}",
        "-H",
        "Content-Type: application/json",
        "-d",
        body,
    ]
    text = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    events = [line for line in text.split("\n\n") if line]
    assert all(event.startswith("data: ") for event in events)
    assert events[-1] == "data: [DONE]"


def test_an_unknown_plant_names_those_that_are_near() -> None:
    with pytest.raises(ValueError, match="NC-CHAT-05"):
        server.create_app(server.Settings(plants=("NC-CHAT-5",)))
    assert server.chosen(("stream.one-id",))[0].trips[0] == "stream.one-id"


def sent(url: str, content: Any, path: str = "/chat/completions") -> httpx.Response:
    """The answer to a body of bytes, of pieces, or of JSON."""
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    content = json.dumps(content) if isinstance(content, dict) else content
    return httpx.post(url + path, content=content, headers=headers, timeout=20)


def test_a_lone_surrogate_is_answered(url: str) -> None:
    asked = b'{"model": "seatrial-chat", "messages": [{"role": "user", "content": "Repeat exactly \\ud83d!"}]}'
    assert sent(url, asked).json()["choices"][0]["message"]["content"] == "?!"


def test_a_body_that_is_too_large_is_413_though_it_declares_no_length(url: str) -> None:
    refused = sent(url, (b" " * (1 << 20) for _ in range(21)))
    assert refused.status_code == 413
    assert refused.headers["x-request-id"]


@pytest.mark.parametrize(("name", "status"), [("dot.png", 200), ("none.png", 400)])
def test_only_what_is_there_is_an_image(url: str, name: str, status: int) -> None:
    image = {"type": "image_url", "image_url": {"url": url.removesuffix("/v1") + f"/assets/{name}"}}
    said = sent(url, {"model": "seatrial-chat", "messages": [{"role": "user", "content": [image]}]})
    assert said.status_code == status


def test_a_reasoning_model_reasons_unasked(client: openai.OpenAI) -> None:
    usage = client.chat.completions.create(model="seatrial-reasoning", messages=ASK).usage
    assert usage is not None
    assert usage.completion_tokens_details is not None
    assert (usage.completion_tokens_details.reasoning_tokens or 0) > 0


def test_allowed_tools_narrow_what_is_called(client: openai.OpenAI) -> None:
    mail: Any = {"type": "function", "function": {"name": "send_mail"}}
    allowed: Any = {"mode": "required", "tools": [mail]}
    how: Any = {"model": "seatrial-chat", "messages": [{"role": "user", "content": "What is the weather?"}]}
    how |= {"tools": [TOOL, mail], "tool_choice": {"type": "allowed_tools", "allowed_tools": allowed}}
    choice = client.chat.completions.create(**how).choices[0]
    assert [call.function.name for call in choice.message.tool_calls or ()] == ["send_mail"]
    assert choice.finish_reason == "tool_calls"
    mail["function"]["name"] = "get_weather"
    how["tools"] = [{"type": "function", "function": {"name": "send_mail"}}]
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(**how)


def test_a_strict_schema_names_every_property_as_required(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"], "additionalProperties": False}
    loose: Any = {"type": "function", "function": {"name": "f", "strict": True, "parameters": schema}}
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="seatrial-chat", messages=ASK, tools=[loose])
    assert caught.value.code == "invalid_function_parameters"


def test_what_is_planted_before_the_handler_has_the_common_headers() -> None:
    with server.running(server.Settings(api_key=KEY, plants=("legal.occasional-429",))) as url:
        bodies = [sent(url, {"model": "seatrial-chat", "messages": ASK}) for _ in range(7)]
    assert [made.status_code for made in bodies] == [200] * 6 + [429]
    assert bodies[-1].headers["x-request-id"]
