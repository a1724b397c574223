"""The events of a streamed response: each part of it begins, grows and is done before the next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from seatrial.server import chat
from seatrial.server.plant import Json
from seatrial.server.responding import Made


def events(made: Made) -> Iterator[Json]:
    """The events of a response, numbered from 0."""
    for number, (type, rest) in enumerate(_rows(made)):
        yield {"type": type, "sequence_number": number, **rest}


def _rows(made: Made) -> Iterator[tuple[str, Json]]:
    background = made.body.get("background") is True
    yield "response.created", {"response": made.at("queued" if background else "in_progress")}
    if background:
        yield "response.queued", {"response": made.at("queued")}
    yield "response.in_progress", {"response": made.at("in_progress")}
    texts, calls = _deltas(made.answer)
    for index, item in enumerate(made.whole["output"]):
        place: Json = {"item_id": item["id"], "output_index": index}
        if item["type"] == "reasoning":
            yield "response.output_item.added", {"output_index": index, "item": {**item, "summary": []}}
            yield from _summary(item, place)
        elif item["type"] == "function_call":
            begun = {**item, "arguments": "", "status": "in_progress"}
            yield "response.output_item.added", {"output_index": index, "item": begun}
            for piece in calls.pop(0):
                yield "response.function_call_arguments.delta", {**place, "delta": piece}
            done = {"name": item["name"], "arguments": item["arguments"]}
            yield "response.function_call_arguments.done", {**place, **done}
        else:
            begun = {**item, "content": [], "status": "in_progress"}
            yield "response.output_item.added", {"output_index": index, "item": begun}
            yield from _text(item["content"][0], place, texts)
        yield "response.output_item.done", {"output_index": index, "item": item}
    yield f"response.{made.whole['status']}", {"response": made.whole}


def _deltas(answer: chat.Answer) -> tuple[list[tuple[str, list[Json]]], list[list[str]]]:
    """The pieces of the text with their log probabilities, and those of each call's arguments."""
    texts: list[tuple[str, list[Json]]] = []
    calls: list[list[str]] = []
    for chunk in chat.chunks(answer):
        for choice in chunk["choices"]:
            if choice["delta"].get("content"):
                texts.append((choice["delta"]["content"], (choice["logprobs"] or {}).get("content") or []))
            for call in choice["delta"].get("tool_calls") or ():
                if "id" in call:
                    calls.append([])
                else:
                    calls[-1].append(call["function"]["arguments"])
    return texts, calls


def _summary(item: Json, place: Json) -> Iterator[tuple[str, Json]]:
    for number, part in enumerate(item["summary"]):
        at = {**place, "summary_index": number}
        yield "response.reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}
        for word in re.findall(r" ?[^ ]+", part["text"]):
            yield "response.reasoning_summary_text.delta", {**at, "delta": word}
        yield "response.reasoning_summary_text.done", {**at, "text": part["text"]}
        yield "response.reasoning_summary_part.done", {**at, "part": part}


def _text(part: Json, place: Json, pieces: list[tuple[str, list[Json]]]) -> Iterator[tuple[str, Json]]:
    at: dict[str, Any] = {**place, "content_index": 0}
    yield "response.content_part.added", {**at, "part": {**part, "text": "", "logprobs": []}}
    for delta, logprobs in pieces:
        yield "response.output_text.delta", {**at, "delta": delta, "logprobs": logprobs}
    yield "response.output_text.done", {**at, "text": part["text"], "logprobs": part["logprobs"]}
    yield "response.content_part.done", {**at, "part": part}
