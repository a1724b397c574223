"""The official `openai` client drives the target: what the programs of its users would see."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sdk_kept  # type: ignore[import-not-found]
import sdk_langchain  # type: ignore[import-not-found]
import sdk_llamaindex  # type: ignore[import-not-found]
from sdk_tap import Broken, Tap, require, walked, wire  # type: ignore[import-not-found]
from test_scenarios import show  # type: ignore[import-not-found]

from seatrial import form, offered, sdk
from seatrial.check import Inconclusive
from seatrial.judge import erred
from seatrial.model import Case, Exchange, Finding, Operation, Status, Verdict
from seatrial.play import Player
from seatrial.refusal import refused

openai: Any
try:
    openai = importlib.import_module("openai")
except ImportError:
    openai = None
MISSING = "skipped: the openai package is not installed: pip install 'seatrial[sdk]'"

ASK: list[Any] = [{"role": "user", "content": "Count from one to five."}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
NAMED: Any = {"type": "function", "function": {"name": "get_weather"}}
GEESE = "The lighthouse keeper feeds seven geese every morning."
BATCH = b'{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {}}\n'

_STRANGE = "Unexpected list delta entry is not a dictionary"
"""What the client's helper says of a member that it does not know: the contract allows such members."""


class Client:
    """The official client of one case, plain or asynchronous, with its model; every request is heard."""

    def __init__(self, player: Player, family: str, tap: Tap) -> None:
        self.model, self.text_model = player.target.model(family), player.target.model("chat") or ""
        key = os.environ.get(player.target.key_variable) or "none"
        bounds = player.client.bounds
        self._idle, self.tool = bounds.idle, WEATHER
        self.opened: list[Any] = []
        self._how: dict[str, Any] = {
            "max_retries": 0,  # nothing is retried silently
            "timeout": wire.Timeout(bounds.idle, connect=bounds.connect),
            "default_headers": {"Accept-Encoding": "identity"},
        }
        self._key, self._tap, self._family, self._base_for = key, tap, family, player.target.base_for

    def plain(self, key: str | None = None, family: str | None = None) -> Any:
        """The client, of its own family's base URL or another's."""
        http = openai.DefaultHttpxClient(transport=self._tap.transport())
        base = self._base_for(family or self._family)
        return openai.OpenAI(base_url=base, api_key=key or self._key, http_client=http, **self._how)

    def how(self, address: str) -> dict[str, Any]:
        """The arguments of a framework that has such a client inside: where to ask, under that name, and how."""
        how = {**self._how, "timeout": self._idle, "api_key": self._key, address: self._base_for(self._family)}
        self.opened.append(openai.DefaultHttpxClient(transport=self._tap.transport()))
        return {**how, "http_client": self.opened[-1]}

    def later(self) -> Any:
        """The asynchronous client."""
        http = openai.DefaultAsyncHttpxClient(transport=self._tap.async_transport())
        base = self._base_for(self._family)
        return openai.AsyncOpenAI(base_url=base, api_key=self._key, http_client=http, **self._how)


def models(client: Client) -> None:
    with client.plain() as sdk_client:
        ids = [model.id for model in sdk_client.models.list()]
        require(ids and all(isinstance(id, str) for id in ids), ids)
        require(sdk_client.models.retrieve(ids[0]).id == ids[0], "another model than was asked for")


def chat(client: Client) -> None:
    with client.plain() as sdk_client:
        made = sdk_client.chat.completions.create(model=client.model, messages=ASK, max_tokens=16)
    message(made)


def message(made: Any) -> None:
    """Reads the answer as programs do."""
    choice = made.choices[0]
    require(choice.message.content is None or isinstance(choice.message.content, str), choice.message.content)
    require(isinstance(choice.finish_reason, str), choice.finish_reason)
    require(made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens, made.usage)


def chat_stream(client: Client) -> None:
    with client.plain() as sdk_client:
        text, ends = "", []
        for chunk in sdk_client.chat.completions.create(model=client.model, messages=ASK, max_tokens=16, stream=True):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                ends += [choice.finish_reason] if choice.finish_reason else []
        require(len(ends) == 1, f"finish_reason {ends}")
        with sdk_client.chat.completions.stream(model=client.model, messages=ASK, max_tokens=64) as stream:
            deltas = "".join(event.delta for event in stream if event.type == "content.delta")
            final = stream.get_final_completion()
        require(deltas == (final.choices[0].message.content or ""), final.choices[0].message.content)
        require(final.choices[0].finish_reason, "no finish_reason")


def chat_async(client: Client) -> None:
    async def ask() -> None:
        async with client.later() as sdk_client:
            message(await sdk_client.chat.completions.create(model=client.model, messages=ASK, max_tokens=16))
            ends = 0
            async for chunk in await sdk_client.chat.completions.create(
                model=client.model, messages=ASK, max_tokens=16, stream=True
            ):
                ends += sum(bool(choice.finish_reason) for choice in chunk.choices)
            require(ends == 1, f"{ends} times a finish_reason")

    asyncio.run(ask())


def called(choice: Any) -> None:
    """Reads the call of a named function."""
    if choice.finish_reason == "length":
        raise Inconclusive("the answer was cut off")
    calls = choice.message.tool_calls
    require(calls and calls[0].function.name == "get_weather" and calls[0].id, calls)
    require(isinstance(json.loads(calls[0].function.arguments), dict), calls[0].function.arguments)


def tools(client: Client) -> None:
    how: dict[str, Any] = {"tools": [WEATHER], "tool_choice": NAMED, "max_tokens": 128}
    with client.plain() as sdk_client:
        made = sdk_client.chat.completions.create(model=client.model, messages=ASK, **how)
    called(made.choices[0])


def tools_stream(client: Client) -> None:
    how: dict[str, Any] = {"tools": [WEATHER], "tool_choice": NAMED, "max_tokens": 128}
    with (
        client.plain() as sdk_client,
        sdk_client.chat.completions.stream(model=client.model, messages=ASK, **how) as stream,
    ):
        stream.until_done()
        called(stream.get_final_completion().choices[0])


def parse(client: Client) -> None:
    from pydantic import BaseModel  # comes with openai

    class City(BaseModel):
        """What is asked of a model that keeps to a schema."""

        name: str
        people: int

    with client.plain() as sdk_client:
        made = sdk_client.chat.completions.parse(model=client.model, messages=ASK, response_format=City, max_tokens=128)
    if made.choices[0].message.refusal:
        raise Inconclusive("the model refused")
    require(isinstance(made.choices[0].message.parsed, City), made.choices[0].message.content)


def errors(client: Client) -> None:
    with client.plain() as sdk_client:
        try:
            sdk_client.chat.completions.create(model=client.model, messages="Hello", max_tokens=4)
        except openai.APIStatusError as error:
            if error.status_code in (429, 503):
                raise
            require(isinstance(error, (openai.BadRequestError, openai.UnprocessableEntityError)), type(error).__name__)
            require(isinstance(error.type, str) and error.message, f"type {error.type!r}, body {error.body!r}")
            return
    raise Inconclusive("a wrong request was answered")


def wrong_key(client: Client) -> None:
    with client.plain("sk-seatrial-wrong-key") as sdk_client:
        try:
            sdk_client.chat.completions.create(model=client.model, messages=ASK, max_tokens=4)
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            return
    raise Broken("the answer was given")


def completions(client: Client) -> None:
    with client.plain() as sdk_client:
        made = sdk_client.completions.create(model=client.model, prompt="One, two,", max_tokens=8)
        require(isinstance(made.choices[0].text, str) and made.choices[0].finish_reason, made.choices[0])
        ends = 0
        for chunk in sdk_client.completions.create(model=client.model, prompt="One, two,", max_tokens=8, stream=True):
            for choice in chunk.choices:
                require(isinstance(choice.text, str), choice)
                ends += bool(choice.finish_reason)
        require(ends == 1, f"{ends} times a finish_reason")


def embeddings(client: Client) -> None:
    texts = ["A ship sails.", "Bread is baked."]
    with client.plain() as sdk_client:
        default = sdk_client.embeddings.create(model=client.model, input=texts).data
        floats = sdk_client.embeddings.create(model=client.model, input=texts, encoding_format="float").data
    require(len(default) == len(floats) == 2, f"{len(default)} and {len(floats)} vectors")
    for one, other in zip(default, floats, strict=True):
        require(len(one.embedding) == len(other.embedding), f"{len(one.embedding)} and {len(other.embedding)} numbers")
        far = max(abs(a - b) for a, b in zip(one.embedding, other.embedding, strict=True))
        if far > 0.05:  # a model may differ from run to run, not by that
            raise Broken(f"numbers that differ by {far:.3f}")


def stream_usage(client: Client) -> None:
    how: dict[str, Any] = {"max_tokens": 16, "stream": True, "stream_options": {"include_usage": True}}
    with client.plain() as sdk_client:
        usage = [chunk.usage for chunk in sdk_client.chat.completions.create(model=client.model, messages=ASK, **how)]
    require(usage and usage[-1] and usage[-1].completion_tokens > 0, f"usage {usage[-1:]} in the last chunk")


def tool_results(client: Client) -> None:
    how: dict[str, Any] = {"model": client.model, "tools": [WEATHER], "max_tokens": 128}
    with client.plain() as sdk_client:
        made = sdk_client.chat.completions.create(messages=ASK, tool_choice=NAMED, **how).choices[0]
        called(made)
        results = [
            {"role": "tool", "tool_call_id": call.id, "content": "Rain, 8 degrees."} for call in made.message.tool_calls
        ]
        message(sdk_client.chat.completions.create(messages=[*ASK, made.message, *results], **how))


def not_found(client: Client) -> None:
    with client.plain() as sdk_client:
        try:
            sdk_client.chat.completions.create(model="seatrial-no-such-model-7f3a9c", messages=ASK, max_tokens=4)
        except (openai.NotFoundError, openai.BadRequestError) as error:
            require(isinstance(error.type, str) and error.message, f"type {error.type!r}, body {error.body!r}")
            return
    raise Inconclusive("a model that does not exist has answered")


def responses(client: Client) -> None:
    how: dict[str, Any] = {"model": client.model, "input": "Say hello.", "max_output_tokens": 64}
    with client.plain() as sdk_client:
        made = sdk_client.responses.create(**how)
        require(made.output_text or made.status == "incomplete", f"status {made.status}, output {made.output}")
        with sdk_client.responses.stream(**how) as stream:
            events = list(stream)
            if events and events[-1].type == "response.incomplete":
                raise Inconclusive("the text was cut, of which the helper makes no response")
            deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
            final = stream.get_final_response()
    require(final.output_text == deltas, f"{final.output_text!r} after {deltas!r}")


def transcription(client: Client) -> None:
    with client.plain() as sdk_client:
        made = sdk_client.audio.transcriptions.create(
            model=client.model, file=("tone.wav", form.tone(1.0), "audio/wav")
        )
    require(isinstance(made.text, str), made)


def files(client: Client) -> None:
    with client.plain() as sdk_client:
        made = sdk_client.files.create(file=("batch.jsonl", BATCH), purpose="batch")  # others may be kept back
        require(sdk_client.files.content(made.id).read() == BATCH, "other bytes than were sent")
        ids = walked(sdk_client.files.list(limit=100))
        require(made.id in ids or len(ids) == 500, f"{made.id} not among {len(ids)} files")
        require(sdk_client.files.delete(made.id).deleted is True, made)


def vector_stores(client: Client) -> None:
    with client.plain() as stores, client.plain(family="files") as files_client:
        store = stores.vector_stores.create(name="seatrial sdk").id
        file = files_client.files.create(file=("geese.txt", GEESE.encode()), purpose="assistants").id
        made = stores.vector_stores.files.create(store, file_id=file)
        until = time.monotonic() + 60
        while made.status == "in_progress" and time.monotonic() < until:
            time.sleep(0.5)
            made = stores.vector_stores.files.retrieve(file, vector_store_id=store)
        require(made.status == "completed", f"{made.status} after a minute")
        found = stores.vector_stores.search(store, query=GEESE).data
        require(found and found[0].file_id == file and "geese" in found[0].content[0].text, found[:1])
        files_client.files.delete(file)
        stores.vector_stores.delete(store)


def fine_tuning(client: Client) -> None:
    with client.plain() as sdk_client:
        walked(sdk_client.fine_tuning.jobs.list(limit=100))


def functions() -> dict[str, Callable[[Client], None]]:
    """The function of each case: `sdk.chat-stream` is `chat_stream`."""
    table = {**vars(sdk_kept), **vars(sdk_langchain), **vars(sdk_llamaindex), **globals()}
    return {id: table[id.removeprefix("sdk.").replace("-", "_")] for id in sdk.ROWS}


def outcome(player: Player, case: Case, tap: Tap, last: Callable[[], Exchange | None]) -> tuple[Status, str, str]:
    """Status, reason, and what was found instead of what is required."""
    client = Client(player, case.scenario.family, tap)
    try:
        with warnings.catch_warnings():
            # Of members that it does not know, which are legal; a user's pytest may turn warnings into errors.
            warnings.simplefilter("ignore", UserWarning)
            functions()[case.scenario.id](client)
    except Inconclusive as reason:
        return Status.INCONCLUSIVE, str(reason), ""
    except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError) as cut:
        return Status.INCONCLUSIVE, f"the answer was cut off: {type(cut).__name__}", ""
    except (openai.APITimeoutError, openai.RateLimitError) as error:
        return Status.INCONCLUSIVE, f"it was not answered: {type(error).__name__}", ""
    except Exception as error:
        exchange = last()
        if isinstance(error.__cause__, Inconclusive):  # the client wraps what a transport raises
            return Status.INCONCLUSIVE, str(error.__cause__), ""
        if exchange is not None and (refusal := refused(exchange, case.scenario.needs, player.target)):
            return Status.SKIPPED, refusal, ""
        if exchange is not None and exchange.status == 503:
            return Status.INCONCLUSIVE, "the server answered 503", ""
        if _STRANGE in str(error):
            return Status.INCONCLUSIVE, "the client's helper does not take an extra member that is a list", ""
        name = "" if isinstance(error, Broken) else f"{type(error).__name__}: "
        return Status.FAIL, "", f"{name}{error}"[:400]
    finally:
        for http in client.opened:
            http.close()
    return Status.PASS, "", ""


def missing(id: str) -> str:
    """Why a case cannot be driven here, or nothing."""
    if openai is None:
        return MISSING
    modules = next((modules for extra, modules in sdk.EXTRAS.items() if id.startswith(f"sdk.{extra}-")), ())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their own, of what they import
        for name in modules:
            try:
                importlib.import_module(name)
            except ImportError as error:
                return (
                    f"skipped: {name} cannot be imported ({error}): pip install 'seatrial[{id[4:].partition('-')[0]}]'"
                )
    return ""


def drive(player: Player, case: Case) -> Iterator[Verdict]:
    """The verdict on one case; its exchanges and itself are recorded."""
    disabled = missing(case.scenario.id) or offered.disabled(case, player.target)
    if disabled:
        yield from player.enter(case, [], [sdk.verdict(case, Status.SKIPPED, disabled)])
        return
    tap = Tap(player.client.secret, player.spend, player.client.bounds)
    kept: list[Exchange] = []

    def heard() -> list[Exchange]:
        for one in tap.heard[len(kept) :]:
            path = one.request.url.partition("://")[2].partition("/")[2]
            kept.append(one.exchange(player.number(), Operation("sdk", one.request.method, "/" + path)))
        return kept

    try:
        status, reason, found = outcome(player, case, tap, lambda: next(reversed(heard()), None))
        findings = (Finding(case.scenario.title, found, "the client"),) if found else ()
        number = heard()[-1].number if heard() else None
        verdict = sdk.verdict(case, status, reason, findings=findings, exchange=number)
    except Exception as fault:
        verdict = erred(case, fault)
    except KeyboardInterrupt:
        player.enter(case, heard(), [])
        player.clean(case, heard())
        raise
    yield from player.enter(case, heard(), [verdict])
    player.clean(case, heard())


def test_sdk(sdk_case: Case, player: Player, subtests: pytest.Subtests) -> None:
    """The client comes to what its users rely on."""
    for verdict in drive(player, sdk_case):
        with subtests.test(msg=verdict.id):
            show(verdict)
