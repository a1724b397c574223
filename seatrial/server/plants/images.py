"""Defects and variants of images."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

from PIL import Image
from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.plants.audio import as_chat, error_instead, only
from seatrial.server.plants.shape import all_chunks, defect, result, variant
from seatrial.server.refuse import Refused

CREATE, EDIT, VARY = "POST /images/generations", "POST /images/edits", "POST /images/variations"
PAINTED = (CREATE, EDIT, VARY)
_AREA = "images"


def forgetting(*names: str) -> Callable[[str, Json], Json]:
    """Drops parameters of images as if they had not been sent."""

    def hook(route: str, body: Json) -> Json:
        return {name: value for name, value in body.items() if route not in PAINTED or name not in names}

    return hook


def rows(change: Callable[[Json], Any]) -> Callable[[str, Json, Any], Any]:
    """Changes each image of an answer."""
    return result(lambda made: [change(row) for row in made.get("data", ())], *PAINTED)


def files(change: Callable[[bytes], bytes]) -> Callable[[Json], None]:
    """Changes the bytes of an image that came as base64."""

    def hook(row: Json) -> None:
        if "b64_json" in row:
            row["b64_json"] = base64.b64encode(change(base64.b64decode(row["b64_json"]))).decode("ascii")

    return hook


def each_event(change: Callable[[Json], Any]) -> Callable[..., Any]:
    """Changes each event of streamed images."""

    def hook(body: Json, events: list[Json]) -> list[Json]:
        for event in events:
            change(event)
        return events

    return all_chunks(hook, *PAINTED)


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _resized(data: bytes) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as found:
        kind = found.format
        found.resize((512, 512)).save(out, kind)
    return out.getvalue()


def _opaque(data: bytes) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as found:
        kind = found.format
        found.convert("RGB").save(out, kind)
    return out.getvalue()


def _data_url(row: Json) -> None:
    if "b64_json" in row:
        row["b64_json"] = f"data:image/png;base64,{row['b64_json']}"


def _no_string(route: str, body: Json) -> Json:
    """Fails at a response_format that is a string."""
    if route in PAINTED and isinstance(body.get("response_format"), str):
        raise Refused(500, "cannot unmarshal string into an object", None, "internal_error", "server_error")
    return body


def _as_chat(made: Json) -> None:
    for index, row in enumerate(made["data"]):
        row |= {"embedding": None, "index": index}
    made["usage"] = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0, "input_tokens_details": None}


def _relative(row: Json) -> None:
    if "url" in row:
        row["url"] = "/assets/" + row["url"].rpartition("/")[2]


def _dead(row: Json) -> None:
    if "url" in row:
        row["url"] += ".gone"


def _renamed(body: Json, events: list[Json]) -> list[Json]:
    return [{**event, "type": event["type"].replace("image_generation", "image_edit")} for event in events]


def _without_end(body: Json, events: list[Json]) -> list[Json]:
    return [event for event in events if "partial_image_index" in event]


def _from_one(event: Json) -> None:
    if "partial_image_index" in event:
        event["partial_image_index"] += 1


def _more_partials(body: Json, events: list[Json]) -> list[Json]:
    first = [event for event in events if "partial_image_index" in event]
    more = [{**event, "partial_image_index": len(first) + place} for place, event in enumerate(first)]
    return [*first, *more, *(event for event in events if "partial_image_index" not in event)]


def _cut_event(event: Json) -> None:
    files(_half)(event)


def _sketch(event: Json) -> None:
    if "partial_image_index" in event:
        files(_resized)(event)


def _no_partials(body: Json, events: list[Json]) -> list[Json]:
    return [event for event in events if "partial_image_index" not in event]


def _both(row: Json) -> None:
    row.setdefault("revised_prompt", None)
    row.setdefault("url", None)
    row.setdefault("b64_json", None)


def _less(made: Json) -> None:
    for name in ("usage", "background", "output_format", "size", "quality"):
        made.pop(name, None)


def _named_auto(made: Json) -> None:
    made["size"] = "auto"


def _fetched(change: Callable[[bytes], bytes], media: str = "image/png") -> Callable[[str, Json, Any], Any]:
    """Changes what lies at the address of an image."""

    def hook(route: str, body: Json, made: Any) -> Any:
        return Response(change(made), 200, {}, media) if route == "GET /assets" else made

    return hook


def _ignored(*names: str) -> dict[str, Any]:
    return {"body": forgetting(*names)}


PLANTS = (
    defect("NC-IMG-01", _AREA, "response_format is expected to be an object", "http.no-server-error",
           source="mudler/LocalAI#2299", body=_no_string),
    defect("NC-IMG-03", _AREA, "members of embeddings and chat in an answer of images", "images.known-members", level="MAY",
           source="nextcloud/integration_openai#65", result=result(_as_chat, *PAINTED)),
    defect("images.count/one", _AREA, "n is ignored", "images.count", "*/must/status", **_ignored("n")),
    defect("images.count/none", _AREA, "no image comes", "images.count", "*/must/body", "images.payload",
           result=result(lambda made: made.update(data=[]), *PAINTED)),
    defect("images.payload/empty", _AREA, "images without any content", "images.payload",
           result=rows(lambda row: [row.pop("b64_json", None), row.pop("url", None)])),
    defect("images.payload/relative", _AREA, "the address of an image is relative", "images.payload", "*/fetch/*",
           result=rows(_relative)),
    defect("images.response-format/ignored", _AREA, "response_format is ignored", "images.response-format",
           "*/must/status", **_ignored("response_format")),
    defect("images.whole/cut", _AREA, "images are cut", "images.whole", result=rows(files(_half))),
    defect("images.whole/data-url", _AREA, "b64_json is a data URL", "images.whole", result=rows(_data_url)),
    defect("images.whole/text", _AREA, "b64_json is the base64 of a message", "images.whole",
           result=rows(files(lambda data: b"The picture could not be made."))),
    defect("images.whole/cut-events", _AREA, "streamed images are cut", "images.whole", chunks=each_event(_cut_event)),
    defect("images.size/ignored", _AREA, "size is ignored", "images.size", "*/must/status",
           body=lambda route, body: {**body, "size": "512x512"} if route in PAINTED and "size" in body else body),
    defect("images.output-format/ignored", _AREA, "output_format is ignored", "images.output-format", "*/must/status",
           **_ignored("output_format", "output_compression")),
    defect("images.background/ignored", _AREA, "a transparent background is painted over", "images.background",
           level="SHOULD", result=rows(files(_opaque))),
    defect("images.reported/size", _AREA, "the size that is said is not the picture's", "images.reported", level="SHOULD",
           result=result(lambda made: made.update(size="64x64"), *PAINTED)),
    defect("images.reported/format", _AREA, "JPEG is said, and PNG is sent", "images.reported", level="SHOULD",
           result=result(lambda made: made.update(output_format="gif"), *PAINTED)),
    defect("images.streamed/ignored", _AREA, "stream is ignored", "images.streamed", "*/must/status",
           **_ignored("stream", "partial_images")),
    defect("images.stream-ends/missing", _AREA, "streamed images just stop", "images.stream-ends",
           chunks=all_chunks(_without_end, CREATE)),
    defect("images.stream-ends/other-name", _AREA, "generations stream the events of edits", "images.stream-ends",
           chunks=all_chunks(_renamed, CREATE)),
    defect("images.stream-partials/from-one", _AREA, "partial images count from 1", "images.stream-partials",
           chunks=each_event(_from_one)),
    defect("images.stream-partials/more", _AREA, "more partial images than were asked for", "images.stream-partials",
           chunks=all_chunks(_more_partials, CREATE)),
    defect("images.url/dead", _AREA, "at the address of an image is nothing", "*/fetch/must/status", result=rows(_dead)),
    defect("images.fetched/cut", _AREA, "at the address of an image is half of it", "images.fetched", result=_fetched(_half)),
    defect("images.fetched/page", _AREA, "at the address of an image is a page", "images.fetched",
           result=_fetched(lambda data: b"<html>Sign in</html>")),
    defect("images.fetched/type", _AREA, "an image is served as text", "images.fetched",
           result=_fetched(lambda data: data, "text/plain")),
    defect("errors.not-in-200/images", _AREA, "an image is an error with status 200", "errors.not-in-200", "images.*",
           "*/must/body", "wire.*",
           result=result(error_instead, *PAINTED)),
    variant("images-bare", "Images without what may be said of them", result=result(_less, *PAINTED)),
    variant("images-nulls", "Images with null for what they have not", result=rows(_both)),
    variant("images-size-auto", "The size that is said is auto", result=result(_named_auto, *PAINTED)),
    variant("images-sketches", "Partial images are smaller", chunks=each_event(_sketch)),
    variant("images-no-partials", "A fast model sends no partial image", chunks=all_chunks(_no_partials, *PAINTED)),
    variant("images-done-sentinel", "Streamed images end with [DONE], without names of events",
            events=only(CREATE, as_chat)),
)  # fmt: skip
