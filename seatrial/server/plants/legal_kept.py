"""Legal variants of audio, images, moderations, batches, vector stores, stored completions, queues and responses."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.plants.answers import answer, error
from seatrial.server.plants.batches import BATCHES, CREATE, output_lines
from seatrial.server.plants.responses_shape import whole
from seatrial.server.plants.shape import all_chunks, result, variant

_TRANSCRIBE, _TRANSLATE = "POST /audio/transcriptions", "POST /audio/translations"
_STORES = ("POST /vector_stores", "GET /vector_stores/{vector_store_id}")
_REGIONS = {"english": "en-US", "german": "German (Germany)"}


def _region(made: Json) -> None:
    if "language" in made:
        made["language"] = _REGIONS.get(made["language"], made["language"])


def _octets(status: int, headers: dict[str, str]) -> None:
    if headers.get("content-type", "").startswith("image/"):
        headers["content-type"] = "binary/octet-stream"


def _rounded(made: Json) -> None:
    for row in made["results"]:
        row["category_scores"] |= {name: 1.0000001192092896 for name, flag in row["categories"].items() if flag}


def _metadata(route: str, body: Json, made: Any) -> Any:
    """null when it is made, an empty object later."""
    if route in BATCHES and isinstance(made, dict) and not made.get("metadata"):
        return {**made, "metadata": None if route == CREATE else {}}
    return made


def _short_lines(rows: list[Json]) -> list[Json]:
    """The lines of a batch's files without what is null, and without the id of the request."""
    for row in rows:
        (row.get("response") or {}).pop("request_id", None)
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _ripening() -> Callable[[Json], None]:
    """A store that has no files is ready half a second after it was seen first."""
    seen: dict[str, float] = {}

    def change(made: Json) -> None:
        now = time.monotonic()
        if made.get("status") == "completed" and not made["file_counts"]["total"]:
            made["status"] = "completed" if now - seen.setdefault(made["id"], now) > 0.5 else "in_progress"

    return change


def _developer(made: Json) -> None:
    for row in made["data"]:
        row["role"] = "developer" if row["role"] == "system" else row["role"]


def _retry(status: int, headers: dict[str, str]) -> None:
    if status == 202 and "location" in headers:
        headers.pop("retry-after", None)
        headers["location"] += "?api-version=2026-01-01&t=a%2Fb"


def _queried(made: Json) -> None:
    made.update({name: made[name] + "?logs=1" for name in ("status_url", "response_url", "cancel_url")})


def _quick(request: Request, body: bytes) -> Response | None:
    if not request.url.path.endswith("/pexec/chat/completions"):
        return None
    message = {"role": "assistant", "content": "Mercury.", "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    made = {"id": "chatcmpl-quick", "object": "chat.completion", "created": int(time.time()), "choices": [choice]}
    usage = {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}
    return answer(200, {**made, "model": json.loads(body)["model"], "usage": usage})


def _unread(request: Request, body: bytes) -> None:
    kept = [(name, value) for name, value in request.scope["headers"] if name != b"prefer"]
    request.scope["headers"][:] = kept


def _single(made: Json) -> None:
    for name in ("temperature", "top_p"):
        if isinstance(made.get(name), float):
            made[name] = struct.unpack("f", struct.pack("f", made[name]))[0]


def _instructed(made: Json) -> None:
    if isinstance(made.get("instructions"), str):
        text = {"type": "input_text", "text": made["instructions"]}
        made["instructions"] = [{"type": "message", "role": "developer", "content": [text]}]


_PAGED = (
    *("GET /files", "GET /vector_stores", "GET /vector_stores/{vector_store_id}/files"),
    *("GET /conversations/{conversation_id}/items", "GET /responses/{response_id}/input_items"),
)


def _of_one(made: Json) -> None:
    if len(made["data"]) > 1:
        made.update(data=made["data"][:1], has_more=True, last_id=made["data"][0]["id"])


def _too_small(request: Request, body: bytes) -> Response | None:
    """Pictures of one pixel, as their base64 begins, are smaller than what models look at in one piece."""
    if b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB" in body:
        return error(400, "The image is smaller than 28 by 28 pixels.", "messages", "invalid_image")
    return None


PLANTS = (
    variant("language-region", "verbose_json names the language with its region", result=result(_region, _TRANSCRIBE, _TRANSLATE)),
    variant("transcript-at-once", "a streamed transcript comes all at once, at its end", chunks=all_chunks(lambda body, events: [e for e in events if e["type"] != "transcript.text.delta"], _TRANSCRIBE)),
    variant("image-type-unnamed", "the store of images names no type", headers=_octets),
    variant("moderation-rounded", "scores in single precision", result=result(_rounded, "POST /moderations")),
    variant("batches-metadata-null", "a batch without metadata has null, and later an empty object", result=_metadata),
    variant("batches-short-lines", "the lines of a batch leave out what is null", result=output_lines(_short_lines, end=b"")),
    variant("store-ripens", "an empty store is ready after a while", result=result(_ripening(), *_STORES)),
    variant("pages-of-one", "pages are shorter than their limit", result=result(_of_one, *_PAGED)),
    variant("stored-developer", "the system's messages are kept as the developer's", result=result(_developer, "GET /chat/completions/{completion_id}/messages")),
    variant("queue-location-with-query", "the location of a job has a query, and no Retry-After comes with it", headers=_retry),
    variant("queue-urls-with-query", "a queue's URLs have queries", result=result(_queried, "POST /queue/submit")),
    variant("queue-quick", "what is quick is answered without a job", before=_quick),
    variant("queue-prefer-unread", "the wish to be answered later is left unread", before=_unread),
    variant("responses-single-precision", "numbers are given back in single precision", **whole(_single)),
    variant("responses-instructions-shown", "instructions are given back as the message that they are", **whole(_instructed)),
    variant("images-of-a-pixel-refused", "a picture of one pixel is too small", before=_too_small),
)  # fmt: skip
