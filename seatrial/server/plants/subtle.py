"""Defects that no schema shows: what is answered is well formed, and wrong; and variants that look like them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.audio import TRANSCRIBE, written
from seatrial.server.plants.images import PAINTED
from seatrial.server.plants.responses_shape import RESPONSES, RETRIEVE, each_event, put, whole
from seatrial.server.plants.shape import defect, result, result_of, variant

ENDS = ("response.completed", "response.incomplete")


def _outputs_kept() -> Callable[[str, Json, Any], Any]:
    before: dict[str, list[Json]] = {}

    def hook(route: str, body: Json, made: Any) -> Any:
        if route != RESPONSES or not isinstance(made, dict):
            return made
        output = [*before.get(str(body.get("previous_response_id")), ()), *made["output"]]
        before[made["id"]] = output
        return {**made, "output": output}

    return hook


def _early(made: Json) -> None:
    if made.get("completed_at"):
        made["completed_at"] = made["created_at"] - 60


def _one_token_more(made: Json) -> None:
    if made.get("usage"):
        made["usage"]["output_tokens"] += 1
        made["usage"]["total_tokens"] += 1


def _reads_one(event: Json) -> None:
    usage = event["response"]["usage"]
    usage.update(input_tokens=1, total_tokens=1 + usage["output_tokens"])
    usage["input_tokens_details"] = {"cached_tokens": 0}


def _in_milliseconds(*names: str) -> Callable[[Json], None]:
    def change(made: Json) -> None:
        made.update({name: made[name] * 1000 for name in names if isinstance(made.get(name), int)})

    return change


def _last_word_lost(made: Json) -> None:
    if "segments" in made:
        made["text"] = made["text"].rsplit(" ", 1)[0]


def _first_letters(made: Json) -> None:
    for word in made.get("words") or ():
        word["word"] = word["word"].strip()[:1]


def _one_id(made: Json) -> None:
    for segment in made.get("segments") or ():
        segment["id"] = 0


def _from_zero(text: str) -> str:
    cues = text.strip("\n").split("\n\n")
    return "\n\n".join(f"{number}\n{cue.partition(chr(10))[2]}" for number, cue in enumerate(cues)) + "\n\n"


def _copies(made: Json) -> None:
    made["data"] = [copy.deepcopy(made["data"][0]) for _ in made["data"]]


def _spaced(made: Json) -> None:
    """As models that write tokens do: each word begins with its space, and the text is a sentence."""
    if isinstance(made.get("text"), str):
        made["text"] = " " + made["text"].strip().capitalize() + "."
        for name, member in (("segments", "text"), ("words", "word")):
            for row in made.get(name) or ():
                row[member] = " " + row[member].strip()
    if made.get("language") in _CODES:
        made["language"] = _CODES[made["language"]]


_CODES = {"english": "en", "german": "de", "french": "fr"}

PLANTS = (
    variant(
        "transcript-spaced",
        "a transcript begins with a space, ends with a point, and its language is a code",
        result=result(_spaced, TRANSCRIBE),
    ),
    variant(
        "subtitles-marked", "SubRip begins with a byte order mark", result=written(lambda t: chr(0xFEFF) + t, "srt")
    ),
    variant(
        "search-paged",
        "a search says that there is no next page",
        result=result(
            lambda made: made.update(next_page=None, has_more=False), "POST /vector_stores/{vector_store_id}/search"
        ),
    ),
    defect(
        "created.seconds/response",
        "responses",
        "the times of a response are in milliseconds",
        "created.seconds",
        "responses.completed-at",
        **whole(_in_milliseconds("created_at", "completed_at")),
    ),
    defect(
        "created.seconds/file",
        "files",
        "the times of a file are in milliseconds",
        "created.seconds",
        "files.expires-after/*",
        "cursor.*",
        result=result(_in_milliseconds("created_at", "expires_at"), "POST /files", "GET /files/{file_id}"),
    ),
    defect(
        "created.seconds/images",
        "images",
        "images were made at a time in milliseconds",
        "created.seconds",
        result=result(_in_milliseconds("created"), *PAINTED),
    ),
    defect(
        "responses.members/model-empty",
        "responses",
        "a response does not name its model",
        "responses.members",
        level="SHOULD",
        **whole(put("model", "")),
    ),
    defect(
        "responses.completed-at/before",
        "responses",
        "a response was completed before it was made",
        "responses.completed-at",
        level="SHOULD",
        **whole(_early),
    ),
    defect(
        "responses.output-own/history",
        "responses",
        "a response that goes on begins with the output of the one before it",
        "responses.output-own",
        result=_outputs_kept(),
    ),
    defect(
        "responses.metadata-kept/streamed",
        "responses streaming",
        "the last event of a stream has lost the metadata",
        "responses.metadata-kept",
        chunks=each_event(lambda event: event["response"].update(metadata={}), *ENDS),
    ),
    defect(
        "responses.life-same/model",
        "responses streaming",
        "the last event of a stream names another model",
        "responses.life-same",
        chunks=each_event(lambda event: event["response"].update(model="other"), *ENDS),
    ),
    defect(
        "responses.same/metadata",
        "responses",
        "a response that is read again has lost its metadata",
        "responses.same",
        result=result(put("metadata", {"lost": "all"}), RETRIEVE),
    ),
    defect(
        "responses.same/usage",
        "responses",
        "a response that is read again was counted anew",
        "responses.same",
        result=result(_one_token_more, RETRIEVE),
    ),
    defect(
        "responses.stream-reads-as-plain/less",
        "responses streaming",
        "a stream counts one token of input, whatever it read",
        "responses.stream-reads-as-plain",
        level="SHOULD",
        chunks=each_event(_reads_one, *ENDS),
    ),
    defect(
        "images.usage-sum/total",
        "images",
        "the total of the usage is not its sum",
        "images.usage-sum",
        level="SHOULD",
        result=result(lambda made: made["usage"].update(total_tokens=1) if made.get("usage") else None, *PAINTED),
    ),
    defect(
        "uploads.renamed",
        "uploads",
        "the file that an upload becomes has another name",
        "uploads.lifecycle/complete/must/body",
        result=result(lambda made: made["file"].update(filename="blob"), "POST /uploads/{upload_id}/complete"),
    ),
    defect(
        "conversations.update-merged",
        "conversations",
        "a change of the metadata adds to what there was",
        "conversations.kept/change/must/body",
        result=result(lambda made: made["metadata"].update(old="brig"), "POST /conversations/{conversation_id}"),
    ),
    defect(
        "vector-stores.rename-clears",
        "vector stores",
        "a new name clears the metadata",
        "vector-stores.lifecycle/again/should/body",
        level="SHOULD",
        body=lambda route, body: {**body, "metadata": {}} if body.get("name") == "seatrial pier" else body,
    ),
    defect(
        "vector-stores.query-lost",
        "vector stores",
        "a search does not say what was searched for",
        "vector-stores.file/search/should/body",
        level="SHOULD",
        result=result(put("search_query", [""]), "POST /vector_stores/{vector_store_id}/search"),
    ),
    defect(
        "audio.segment-ids/one",
        "audio",
        "all segments have one id",
        "audio.segment-ids",
        result=result(_one_id, TRANSCRIBE),
    ),
    defect(
        "audio.parts-equal-text/last-word",
        "audio",
        "the text lacks the last word of its segments",
        "audio.parts-equal-text",
        level="SHOULD",
        result=result(_last_word_lost, TRANSCRIBE),
    ),
    defect(
        "audio.parts-equal-text/letters",
        "audio",
        "words are cut to their first letter",
        "audio.parts-equal-text",
        level="SHOULD",
        result=result(_first_letters, TRANSCRIBE),
    ),
    defect(
        "audio.cue-numbers/zero",
        "audio",
        "cues are numbered from 0",
        "audio.cue-numbers",
        level="SHOULD",
        result=written(_from_zero, "srt"),
    ),
    defect(
        "images.distinct/copies",
        "images",
        "several images are one image several times",
        "images.distinct",
        level="MAY",
        result=result_of(lambda body, made: _copies(made) if made.get("data") else None, *PAINTED),
    ),
)
