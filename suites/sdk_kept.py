"""What the official client is driven through beside text: sound, pictures, and objects that are kept."""

from __future__ import annotations

import base64
import time
from typing import Any

from sdk_tap import require, walked  # type: ignore[import-not-found]

from seatrial.check import Inconclusive

ASK: list[Any] = [{"role": "user", "content": "Count from one to five."}]
LINE = b'{"custom_id":"one","method":"POST","url":"/v1/chat/completions","body":%s}\n'
_PATIENCE_S = 60.0


def speech(client: Any) -> None:
    with client.plain() as sdk_client:
        made = sdk_client.audio.speech.create(model=client.model, voice="alloy", input="Hello.").read()
    require(len(made) > 100, f"{len(made)} bytes")


def images(client: Any) -> None:
    with client.plain() as sdk_client:
        made = sdk_client.images.generate(model=client.model, prompt="A red boat.", n=1)
    picture = made.data[0]
    require(picture.url or base64.b64decode(picture.b64_json or "", validate=True), made.data)


def moderations(client: Any) -> None:
    with client.plain() as sdk_client:
        made = sdk_client.moderations.create(model=client.model, input="I love ships.")
    require(isinstance(made.results[0].flagged, bool), made.results)
    hate = made.results[0].categories.hate
    require(isinstance(hate, bool), f"hate: {hate!r}")


def stored(client: Any) -> None:
    with client.plain() as sdk_client:
        kept = sdk_client.chat.completions
        made = kept.create(model=client.model, messages=ASK, max_tokens=8, store=True, metadata={"by": "seatrial"})
        again = kept.retrieve(made.id)
        require(again.choices[0].message.content == made.choices[0].message.content, again)
        require(kept.update(made.id, metadata={"by": "us"}).metadata == {"by": "us"}, "other metadata")
        require(made.id in walked(kept.list(limit=100)), f"{made.id} is not listed")
        require([one.content for one in kept.messages.list(made.id)] == [ASK[0]["content"]], "other messages")
        gone = kept.delete(made.id)
        require(gone.deleted is True, gone)


def responses_kept(client: Any) -> None:
    with client.plain() as sdk_client:
        made = sdk_client.responses.create(model=client.model, input="Say hello.", max_output_tokens=32, store=True)
        require(sdk_client.responses.retrieve(made.id).output_text == made.output_text, "another output_text")
        asked = [item.content[0].text for item in sdk_client.responses.input_items.list(made.id)]
        require(asked == ["Say hello."], asked)
        sdk_client.responses.delete(made.id)


def conversations(client: Any) -> None:
    with client.plain() as sdk_client:
        made = sdk_client.conversations.create(metadata={"by": "seatrial"})
        said = [{"type": "message", "role": "user", "content": "Hello."}]
        added = sdk_client.conversations.items.create(made.id, items=said)
        require(sdk_client.conversations.items.retrieve(added.data[0].id, conversation_id=made.id), "no item")
        require(walked(sdk_client.conversations.items.list(made.id)) == [added.data[0].id], "other items")
        sdk_client.conversations.update(made.id, metadata={"by": "us"})
        require(sdk_client.conversations.retrieve(made.id).metadata == {"by": "us"}, "other metadata")
        sdk_client.conversations.items.delete(added.data[0].id, conversation_id=made.id)
        require(sdk_client.conversations.delete(made.id).deleted is True, "it is not deleted")


def uploads(client: Any) -> None:
    text = b'{"a": 1}\n'
    with client.plain() as sdk_client:
        made = sdk_client.uploads.create(
            bytes=len(text), filename="a.jsonl", mime_type="application/jsonl", purpose="batch"
        )
        part = sdk_client.uploads.parts.create(made.id, data=text)
        done = sdk_client.uploads.complete(made.id, part_ids=[part.id])
        require(done.status == "completed" and done.file and done.file.id, done)
        sdk_client.files.delete(done.file.id)


def batches(client: Any) -> None:
    body = b'{"model":"%s","messages":[{"role":"user","content":"Hello."}],"max_tokens":4}' % client.text_model.encode()
    with client.plain() as sdk_client:
        file = sdk_client.files.create(file=("a.jsonl", LINE % body), purpose="batch")
        made = sdk_client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        end = time.monotonic() + _PATIENCE_S
        while made.status not in ("completed", "failed", "expired", "cancelled"):
            if time.monotonic() > end:
                raise Inconclusive(f"the batch is {made.status} after {_PATIENCE_S:g} s")
            time.sleep(0.3)
            made = sdk_client.batches.retrieve(made.id)
        if made.status == "expired":
            raise Inconclusive("the batch expired")
        require(made.status == "completed" and made.output_file_id, made.status)
        require(b'"custom_id"' in sdk_client.files.content(made.output_file_id).read(), "no line of it")
        require(made.id in walked(sdk_client.batches.list(limit=100)), f"{made.id} is not listed")
