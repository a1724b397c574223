"""Defects that show only where two places of an answer, or two answers, are held against one another."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.plants.batches import BATCHES, output_lines
from seatrial.server.plants.responses_shape import (
    RESPONSES,
    RETRIEVE,
    SHOWN,
    each_event,
    items_of,
    put,
    whole,
)
from seatrial.server.plants.shape import all_chunks, defect, ignoring, meta_data, result

_HEARD, _PAINTED, _SPOKEN = "POST /audio/transcriptions", "POST /images/generations", "POST /audio/speech"
_JUDGED, _STORED = "POST /moderations", "GET /chat/completions/{completion_id}"
_SEARCH = "POST /vector_stores/{vector_store_id}/search"
_BATCH = "POST /vector_stores/{vector_store_id}/file_batches"
SHOULD = {"level": "SHOULD"}


def _calls(change: Any) -> Any:
    return lambda item: change(item) if item["type"] == "function_call" else None


def _timed(change: Any, *lists: str) -> Any:
    return lambda made: [change(made, row) for name in lists for row in made.get(name, ())]


def _one_word(made: Json) -> None:
    if "words" in made:
        made["words"] = [{"word": made["text"], "start": 0.0, "end": made["duration"]}]


def _miscounted(body: Json, events: list[Json]) -> list[Json]:
    return [{**e, "usage": {**e["usage"], "total_tokens": 1}} if "usage" in e else e for e in events]


def _swapped(made: Json) -> None:
    if made.get("completed_at"):
        made["in_progress_at"] = made["completed_at"] + 100


def _early(made: Json) -> None:
    if made["status"] in ("validating", "in_progress"):
        made["completed_at"] = made["created_at"]


def _mixed_up(rows: list[Json]) -> None:
    """Each answer stands under the custom_id of the next."""
    ids = [row["custom_id"] for row in rows]
    for row, id in zip(rows, [*ids[1:], *ids[:1]], strict=True):
        row["custom_id"] = id


def _anothers(made: Json) -> None:
    """What is found is another store's."""
    made["data"] = [{**row, "file_id": "file-of-another"} for row in made["data"][:1]] + made["data"][1:]


def _oldest_first(request: Request, body: bytes) -> None:
    asked = request.scope["query_string"]
    if request.method == "GET" and request.url.path.endswith("/items") and b"order" not in asked:
        request.scope["query_string"] = asked + b"&order=asc"


def _unasked(name: str, path: str) -> Any:
    """Lists whose path ends so do not read that parameter."""

    def before(request: Request, body: bytes) -> None:
        if request.method == "GET" and re.search(path + "$", request.url.path):
            asked = request.scope["query_string"]
            request.scope["query_string"] = re.sub(rb"(^|&)%s=[^&]*" % name.encode(), b"", asked)

    return before


def _falling() -> Any:
    """A batch that is read again has done less."""
    seen: set[str] = set()

    def change(made: Json) -> None:
        if made["status"] != "completed" and made["id"] in seen:
            made["request_counts"] = {"total": 0, "completed": 0, "failed": 0}
        elif made["request_counts"]["total"]:
            seen.add(made["id"])

    return result(change, *BATCHES)


def _called_audio(route: str, body: Json, made: Any) -> Any:
    return Response(made, 200, {}, "audio/mpeg") if route == _HEARD and isinstance(made, bytes) else made


def _uncounted() -> Any:
    """A store counts on what was taken out of it."""
    most: dict[str, int] = {}

    def change(made: Json) -> None:
        counts = made["file_counts"]
        most[made["id"]] = max(most.get(made["id"], 0), counts["completed"])
        counts["total"] += most[made["id"]] - counts["completed"]
        counts["completed"] = most[made["id"]]

    return result(change, "GET /vector_stores/{vector_store_id}")


PLANTS = (
    defect("responses.event-item-ids/call", "responses streaming", "a call has another call_id when it is done", "responses.event-item-ids", chunks=each_event(lambda e: _calls(put("call_id", "call_begun"))(e["item"]), "response.output_item.added")),
    defect("responses.event-item-ids/nameless", "responses streaming", "a call is added without its name", "responses.event-item-ids", chunks=each_event(lambda e: _calls(put("name", ""))(e["item"]), "response.output_item.added")),
    defect("responses.life-order/born-done", "responses streaming", "a stream begins with a response that is completed", "responses.life-order", chunks=each_event(lambda e: e["response"].update(status="completed"), "response.created", "response.in_progress"), **SHOULD),
    defect("responses.status-reasons/items", "responses", "the items of a completed response are in progress", "responses.status-reasons", result=result(items_of(put("status", "in_progress")), *SHOWN), **SHOULD),
    defect("responses.gives-back/tool-choice", "responses", "tool_choice is said to be auto whatever was asked for", "responses.gives-back", **whole(put("tool_choice", "auto")), **SHOULD),
    defect("responses.usage-present/background", "responses", "a response that is read again has no usage", "responses.usage-present", result=result(put("usage", None), RETRIEVE), **SHOULD),
    defect("responses.logprobs/top", "responses", "top_logprobs is ignored", "responses.logprobs", body=ignoring("top_logprobs", route=RESPONSES)),
    defect("audio.granularities/segments", "audio", "the words are one, the whole text", "audio.granularities", result=result(_one_word, _HEARD)),
    defect("audio.times-in-seconds/zero", "audio", "all times are 0", "audio.times-in-seconds", "audio.times-in-order", result=result(_timed(lambda made, row: row.update(start=0.0, end=0.0), "words", "segments"), _HEARD)),
    defect("audio.times-in-order/one", "audio", "each word has the time of all of them", "audio.times-in-order", result=result(_timed(lambda made, row: row.update(start=0.0, end=made["duration"]), "words"), _HEARD), **SHOULD),
    defect("audio.usage-kind/stream", "audio", "the total at the end of a streamed transcript is not the sum", "audio.usage-kind", chunks=all_chunks(_miscounted, _HEARD), **SHOULD),
    defect("audio.logprobs/first", "audio", "log probabilities of the first token alone", "audio.logprobs", result=result(lambda made: made.update(logprobs=made["logprobs"][:1]) if made.get("logprobs") else None, _HEARD), **SHOULD),
    defect("speech.usage-sum/total", "speech", "the total at the end of streamed speech is not the sum", "speech.usage-sum", chunks=all_chunks(_miscounted, _SPOKEN), **SHOULD),
    defect("images.payload/empty-event", "images", "the last event of a streamed image is empty", "images.payload", chunks=all_chunks(lambda body, events: [{**e, "b64_json": ""} if e["type"].endswith(".completed") else e for e in events], _PAINTED)),
    defect("images.reported/event", "images", "events tell another size than the picture's", "images.reported", chunks=all_chunks(lambda body, events: [{**e, "size": "256x256"} for e in events], _PAINTED), **SHOULD),
    defect("images.usage-sum/details", "images", "more tokens of text than of all input", "images.usage-sum", result=result(lambda made: made["usage"]["input_tokens_details"].update(text_tokens=9999), _PAINTED), **SHOULD),
    defect("moderations.list-in-order/reversed", "moderations", "the results of a list come in another order", "moderations.list-in-order", result=result(lambda made: made["results"].reverse(), _JUDGED), **SHOULD),
    defect("batches.own-answer/mixed-up", "batches", "answers stand under other custom_ids", "batches.own-answer", source="googleapis/python-genai#1909", result=output_lines(_mixed_up)),
    defect("batches.times/swapped", "batches", "a batch is completed before it is in progress", "batches.times", result=result(_swapped, *BATCHES), **SHOULD),
    defect("batches.times/early", "batches", "a batch that is in progress says when it was completed", "batches.times", result=result(_early, *BATCHES), **SHOULD),
    defect("files.stays/listed", "files", "files in a list have no size", "files.stays", result=result(lambda made: [row.update(bytes=0) for row in made["data"]], "GET /files")),
    defect("stores.search-own/leak", "vector stores", "a search finds another store's file", "stores.search-own", "vector-stores*/must/body", "vector-stores*/should/body", result=result(_anothers, _SEARCH)),
    defect("vector-stores.counts-stay", "vector stores", "a store counts on what was taken out of it", "vector-stores.file/counted/should/body", result=_uncounted(), **SHOULD),
    defect("vector-stores.detached-other", "vector stores", "what is taken out is told as another", "vector-stores.file/detach/must/body", result=result(put("id", "vs_1"), "DELETE /vector_stores/{vector_store_id}/files/{file_id}")),
    defect("vector-stores.file-order", "vector stores", "the order of the files of a store is ignored", "vector-stores.file-pages*/cursor.order", before=_unasked("order", r"/vector_stores/[^/]+/files")),
    defect("vector-stores.before-ignored", "vector stores", "lists do not read `before`", "vector-stores.*pages*/before/should/body", before=_unasked("before", r"/vector_stores(/[^/]+/files)?"), **SHOULD),
    defect("vector-stores.batch-attributes", "vector stores", "the attributes of a batch of files are lost", "vector-stores.batch-attributes/file/must/body", body=ignoring("attributes", route=_BATCH)),
    defect("batches.counts-forward/fall", "batches", "the counts of a batch fall", "batches.counts-forward", result=_falling(), **SHOULD),
    defect("files.upload-expires/born", "files", "an upload expires when it is made", "files.upload-expires", result=result(lambda made: made.update(expires_at=made["created_at"]), "POST /uploads")),
    defect("audio.text-media/audio", "audio", "a transcript that is text is called audio", "audio.text-media", result=_called_audio, **SHOULD),
    defect("images.response-format/edits", "images", "edits come in whatever form", "images.response-format", body=ignoring("response_format", route="POST /images/edits")),
    defect("images.created-never", "images", "images were created in 1970", "created.seconds", result=result(put("created", 0), _PAINTED)),
    defect("responses.cut-shown/empty", "responses", "of a response that was cut nothing is shown", "responses.cut-shown", "responses.final-output", **whole(lambda made: made.update(output=[]) if made["status"] == "incomplete" else None), **SHOULD),
    defect("responses.same/metadata-read", "responses", "a response that is read again has lost its metadata", "responses.same", "kept.changed", result=result(put("metadata", {}), RETRIEVE)),
    defect("moderations.applied-input-types/none", "moderations", "what is flagged applies to no input", "moderations.applied-input-types", result=result(lambda made: [one.update(category_applied_input_types={name: [] for name in one["categories"]}) for one in made["results"]], _JUDGED), **SHOULD),
    defect("ids.model-named/moderation", "moderations", "a judgement names no model", "ids.model-named", result=result(put("model", ""), _JUDGED), **SHOULD),
    defect("images.reported/background", "images", "an opaque picture is called transparent", "images.reported", result=result(put("background", "transparent"), _PAINTED), **SHOULD),
    defect("conversations.created-moves", "conversations", "a conversation that is read again was created at another time", "conversations.*/read/should/body", result=result(put("created_at", 1_600_000_000), "GET /conversations/{conversation_id}"), **SHOULD),
    defect("conversations.oldest-first", "conversations", "without an order, the oldest item comes first", "conversations.items/newest/should/body", before=_oldest_first, **SHOULD),
    defect("stored.messages-order", "stored chat", "the order of stored messages is ignored", "chat-stored.lifecycle/messages-turned/should/body", before=_unasked("order", "/messages"), **SHOULD),
    defect("stored.same/usage", "stored chat", "a stored completion was counted anew", "stored.same", result=result(put("usage", {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}), _STORED)),
    defect("meta-data.types", "models", "meta_data has a text for a boolean", "models.meta-data", result=meta_data(lambda meta: meta.update(is_externally_hosted="false")), **SHOULD),
)  # fmt: skip
