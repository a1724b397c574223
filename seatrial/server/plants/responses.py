"""Defects of the response object."""

from __future__ import annotations

import secrets
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.responses_shape import (
    RESPONSES,
    SHOWN,
    drop,
    items_of,
    whole,
)
from seatrial.server.plants.shape import (
    accepting,
    defect,
    ignoring,
    result,
    result_of,
)

_AREA = "responses"


def _usage(change: Any) -> Any:
    def on(made: Json) -> None:
        if made["usage"]:
            made["usage"] = {**made["usage"]}
            change(made["usage"])

    return on


def _broken_json(route: str, data: bytes) -> Any:
    yield data.replace(b'"top_p"', b'top_p"') if route == RESPONSES else data


def _cut_completed(made: Json) -> None:
    if made["status"] == "incomplete":
        made.update(status="completed", incomplete_details=None)


def _length(made: Json) -> None:
    if made["incomplete_details"]:
        made["incomplete_details"] = {"reason": "length"}


def _failed(made: Json) -> None:
    made.update(status="failed", error={"code": "server_error", "message": "worker died"}, output=[], usage=None)


def _same_item_ids(made: Json) -> None:
    made["output"] = [{**item, "id": "item_0"} for item in made["output"]]


def _said(made: Json, text: str) -> Json:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message = {"id": "msg_" + secrets.token_hex(8), "type": "message", "status": "completed", "role": "assistant"}
    return {**message, "content": [part]}


def _markup(body: Json, made: Json) -> None:
    if body.get("tools") and body.get("tool_choice") != "none":
        name = body["tools"][0]["name"]
        made["output"] = [_said(made, f'<tool_call>{{"name": "{name}", "arguments": {{}}}}</tool_call>')]


def _one_id(made: Json) -> None:
    if not made.get("background") and not made.get("conversation"):
        made["id"] = "resp_1"


def _named_otherwise(made: Json) -> None:
    made["output"] = [{**item, "name": "do_it"} if item["type"] == "function_call" else item for item in made["output"]]


PLANTS = (
    defect(
        "NC-RESP-01",
        _AREA,
        "usage lacks output_tokens_details",
        "wire.body-schema",
        "wire.event-schema",
        source="ggml-org/llama.cpp#22659",
        **whole(_usage(drop("output_tokens_details"))),
    ),
    defect(
        "NC-RESP-03",
        _AREA,
        "tools, temperature, top_p and truncation are null",
        "responses.members",
        "wire.body-schema",
        "wire.event-schema",
        "responses.gives-back",
        level="SHOULD",
        source="ogx-ai/ogx#4986",
        **whole(lambda made: made.update(tools=None, temperature=None, top_p=None, truncation=None)),
    ),
    defect(
        "NC-RESP-05",
        _AREA,
        "the id and status of a message are null",
        "wire.body-schema",
        source="ogx-ai/ogx#4986",
        result=result(items_of(lambda item: item.update(id=None, status=None)), *SHOWN),
    ),
    defect(
        "NC-RESP-07",
        _AREA,
        "a member is printed without its opening quote",
        "http.json-body",
        source="inferencerlabs/inferencer-feedback#42",
        wire=_broken_json,
    ),
    defect(
        "NC-RESP-09",
        _AREA,
        "incomplete_details.reason is 'length'",
        "wire.body-schema",
        "wire.event-schema",
        source="earendil-works/pi#7817",
        **whole(_length),
    ),
    defect(
        "NC-RESP-11",
        _AREA,
        "stream_options of a wrong type is accepted",
        "responses.invalid-stream-options*/status",
        level="SHOULD",
        source="raullenchai/Rapid-MLX#837",
        accepts=accepting("stream_options"),
    ),
    defect(
        "responses.members/absent",
        _AREA,
        "a response lacks error, instructions and metadata",
        "responses.members",
        level="SHOULD",
        **whole(drop("error", "instructions"), RESPONSES),
    ),
    defect(
        "responses.status-reasons/no-reason",
        _AREA,
        "an incomplete response does not say why",
        "responses.status-reasons",
        level="SHOULD",
        **whole(lambda m: m.update(incomplete_details=None)),
    ),
    defect(
        "responses.cut-is-incomplete/completed",
        _AREA,
        "a response that was cut says it is complete",
        "responses.cut-is-incomplete",
        level="SHOULD",
        result=result(_cut_completed, *SHOWN),
    ),
    defect(
        "responses.not-failed/worker",
        _AREA,
        "a response fails for a fault of the server",
        "responses.not-failed",
        "responses.status-forward",
        "*/body",
        "*/tools.*",
        "responses.gives-back",
        "*/must/*",
        result=result(_failed, RESPONSES),
    ),
    defect(
        "responses.usage-sum/total",
        _AREA,
        "the total is not the sum",
        "responses.usage-sum",
        **whole(_usage(lambda usage: usage.update(total_tokens=usage["total_tokens"] + 7))),
    ),
    defect(
        "responses.usage-present/zero",
        _AREA,
        "the usage says that nothing was read",
        "responses.usage-present",
        "responses.count-equals-usage",
        level="SHOULD",
        **whole(_usage(lambda u: u.update(input_tokens=0, total_tokens=u["output_tokens"]))),
    ),
    defect(
        "responses.max-output-tokens/ignored",
        _AREA,
        "max_output_tokens is accepted and ignored",
        "responses.max-output-tokens",
        "responses.same",
        result=result_of(
            lambda body, made: (
                made.update(
                    usage={**made["usage"], "output_tokens": 4096, "total_tokens": made["usage"]["input_tokens"] + 4096}
                )
                if made.get("usage") and body.get("max_output_tokens")
                else None
            ),
            RESPONSES,
        ),
    ),
    defect(
        "responses.metadata-kept/dropped",
        _AREA,
        "metadata are accepted and dropped",
        "responses.metadata-kept",
        body=ignoring("metadata", route=RESPONSES),
    ),
    defect(
        "responses.gives-back/sampling",
        _AREA,
        "temperature, top_p and instructions are not those that were asked for",
        "responses.gives-back",
        "responses.invalid*/status",
        "responses.context-read",
        level="SHOULD",
        body=ignoring("temperature", "top_p", "instructions", route=RESPONSES),
    ),
    defect(
        "responses.item-ids/one-for-all",
        _AREA,
        "all items have one id",
        "responses.item-ids",
        "responses.output-own",
        result=result(_same_item_ids, *SHOWN),
    ),
    defect(
        "responses.logprobs/ignored",
        _AREA,
        "log probabilities are asked for and not given",
        "responses.logprobs",
        body=ignoring("include", route=RESPONSES),
    ),
    defect(
        "responses.ids-unique/constant",
        _AREA,
        "every response that is asked for and awaited has the same id",
        "responses.ids-unique",
        "responses.status-forward",
        "responses.read-again",
        "responses.same",
        "*/read/*",
        "*/next/*",
        "*/first/*",
        **whole(_one_id, RESPONSES),
    ),
    defect(
        "responses.format-ignored",
        _AREA,
        "text.format is accepted and ignored",
        "structured.schema-honoured",
        "structured.json-object",
        "responses.gives-back",
        body=ignoring("text", route=RESPONSES),
    ),
    defect(
        "responses.tool-choice-ignored",
        _AREA,
        "tool_choice is accepted and ignored",
        "tools.required-called",
        "tools.none-not-called",
        body=ignoring("tool_choice", route=RESPONSES),
    ),
    defect(
        "responses.tool-unknown",
        _AREA,
        "a call names no function that was offered",
        "tools.known-name",
        "tools.named-called",
        result=result(_named_otherwise, RESPONSES),
    ),
    defect(
        "responses.tool-markup",
        _AREA,
        "a call is left in the text as markup",
        "tools.no-markup",
        result=result_of(_markup, RESPONSES),
    ),
    defect(
        "responses.parallel-ignored",
        _AREA,
        "parallel_tool_calls is accepted and ignored",
        "tools.single-when-not-parallel",
        body=ignoring("parallel_tool_calls", route=RESPONSES),
    ),
)
