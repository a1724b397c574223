"""Defects of what is kept of responses, and of conversations."""

from __future__ import annotations

import itertools
import secrets
from typing import Any

from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.plants.responses_shape import (
    RESPONSES,
    RETRIEVE,
    put,
)
from seatrial.server.plants.shape import (
    defect,
    ignoring,
    result,
)

_AREA = "responses"
COMPACT = "POST /responses/compact"
_turns = itertools.count()


def _said(made: Json, text: str) -> Json:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message = {"id": "msg_" + secrets.token_hex(8), "type": "message", "status": "completed", "role": "assistant"}
    return {**message, "content": [part]}


def _forgets(route: str, body: Json, made: Any) -> Any:
    if route != RETRIEVE or not isinstance(made, dict) or made["status"] != "completed":
        return made
    return {**made, "output": [_said(made, "something else")]}


def _goes_back(route: str, body: Json, made: Any) -> Any:
    if route == RETRIEVE and isinstance(made, dict) and made["background"] and made["status"] == "completed":
        return {**made, "status": "in_progress" if next(_turns) % 2 else "completed"}
    return made


def _other_id(made: Json) -> None:
    made["id"] = "resp_" + secrets.token_hex(8)


def _counts_one_more(made: Json) -> None:
    made["input_tokens"] += 1


def _unstored(request: Any, body: bytes) -> Any:
    if request.method == "GET" and "/responses/resp_" in request.url.path:
        return Response(
            b'{"error":{"message":"gone","type":"invalid_request_error","param":null,"code":null}}',
            404,
            None,
            "application/json",
        )
    return None


def _misread_streamed(route: str, body: Json) -> Json:
    streamed = route == RESPONSES and body.get("stream") is True and isinstance(body.get("input"), str)
    return {**body, "input": body["input"].replace("to five", "to six")} if streamed else body


PLANTS = (
    defect(
        "responses.read-again/other",
        _AREA,
        "a response that is read again says something else",
        "responses.read-again",
        result=_forgets,
    ),
    defect(
        "responses.read-again/other-id",
        _AREA,
        "a response that is read again has another id",
        "responses.read-again",
        "*/read/must/body",
        result=result(_other_id, RETRIEVE),
    ),
    defect(
        "responses.status-forward/back",
        _AREA,
        "a response that was completed is in progress again",
        "responses.status-forward",
        "responses.background/*",
        result=_goes_back,
    ),
    defect(
        "responses.context-read/previous",
        _AREA,
        "previous_response_id is accepted and ignored",
        "responses.context-read",
        "responses.gives-back",
        "responses.invalid-previous/*",
        "responses.invalid-combined/*",
        body=ignoring("previous_response_id", route=RESPONSES),
    ),
    defect(
        "responses.context-read/instructions",
        _AREA,
        "instructions are accepted and ignored",
        "responses.context-read",
        "responses.gives-back",
        "responses.invalid-more*/status",
        body=ignoring("instructions", route=RESPONSES),
    ),
    defect(
        "responses.count-equals-usage/one-more",
        _AREA,
        "the count of an input is not what is read of it",
        "responses.count-equals-usage",
        level="SHOULD",
        result=result(_counts_one_more, "POST /responses/input_tokens"),
    ),
    defect(
        "responses.stored/gone",
        _AREA,
        "a response that was to be stored is not found",
        "responses.stored/*",
        "responses.background/*",
        "responses.cancel/*",
        "*/must/status",
        before=_unstored,
    ),
    defect(
        "responses.compact/not-sealed",
        _AREA,
        "what is left of a conversation has no content",
        "wire.body-schema",
        "responses.compact/go-on/must/status",
        result=result(lambda made: made["output"][-1].pop("encrypted_content"), COMPACT),
    ),
    defect(
        "responses.compact/whole",
        _AREA,
        "a conversation is not made shorter, but given back",
        "responses.compact/compact/must/body",
        result=result(lambda made: made["output"].pop(), COMPACT),
    ),
    defect(
        "responses.usage-sum/compact",
        _AREA,
        "the usage of a compaction does not add up",
        "responses.usage-sum",
        result=result(lambda made: made["usage"].update(total_tokens=made["usage"]["input_tokens"]), COMPACT),
    ),
    defect(
        "responses.stream-equals-plain/others",
        "responses streaming",
        "a streamed response answers another input",
        "responses.stream-equals-plain",
        body=_misread_streamed,
    ),
    defect(
        "conversations.update-lost",
        "conversations",
        "a change of the metadata is answered and lost",
        "conversations.kept/read/must/body",
        "kept.changed",
        result=result(put("metadata", {"ship": "Kittiwake"}), "GET /conversations/{conversation_id}"),
    ),
    defect(
        "conversations.ignored",
        "conversations",
        "a conversation is accepted and not read",
        "responses.context-read",
        "conversations.response/*",
        "conversations.unknown/*",
        "responses.invalid-combined/*",
        body=ignoring("conversation", route=RESPONSES),
    ),
    defect(
        "conversations.one-page",
        "conversations",
        "a page says that there are no more",
        "conversations.items/first/must/body",
        "kept.listed",
        result=result(put("has_more", False), "GET /conversations/{conversation_id}/items"),
    ),
    defect(
        "responses.input-items-order",
        _AREA,
        "the order of a list is accepted and ignored",
        "responses.input-items/*",
        result=result(lambda made: made["data"].reverse(), "GET /responses/{response_id}/input_items"),
    ),
)
