"""Images: as many as were asked for, whole, of the size and form that was asked for, streamed or not."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

_REQUEST = "openai#/components/schemas/CreateImageRequest/properties/"
_ANSWER = "openai#/components/schemas/ImagesResponse"
_IMAGE = "openai#/components/schemas/Image/properties/"
_PREFIX = {"createImage": "image_generation", "createImageEdit": "image_edit"}
_MEDIA = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif"}
_KNOWN = frozenset({"b64_json", "url", "revised_prompt"})
_BESIDE = frozenset(
    "created data background output_format size quality usage safety_identifier svg_usage".split()  # noqa: SIM905
)


def _is_plain(exchange: Exchange) -> bool:
    return view.is_images(exchange) and not exchange.asked_to_stream


def _is_streamed(exchange: Exchange) -> bool:
    return view.is_images(exchange) and exchange.asked_to_stream


def _asks(*names: str) -> Callable[[Exchange], bool]:
    return lambda exchange: view.is_images(exchange) and all(view.member(exchange, name) is not None for name in names)


def _rows(exchange: Exchange) -> list[Mapping[str, Any]]:
    data = view.whole_answer(exchange).get("data")
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise Inconclusive("data is no list of objects")
    return data


def _events(exchange: Exchange) -> list[tuple[int, Mapping[str, Any]]]:
    if exchange.media != "text/event-stream":
        raise Inconclusive("the answer is no stream, which images.streamed judges")
    view.require_whole(exchange)
    return [(number, data) for number, data in view.data_events(exchange) if isinstance(data, dict)]


def _wanted(exchange: Exchange) -> int:
    try:
        return int(view.member(exchange, "n", 1))
    except (TypeError, ValueError) as error:
        raise Inconclusive("the request's n is no number") from error


@check(
    "images.distinct",
    level=MAY,
    applies=lambda e: _is_plain(e) and view.member(e, "n") is not None,
    spec=_REQUEST + "n",
)
def distinct(exchange: Exchange) -> Iterator[Finding]:
    """Several images of one request are not all the same one."""
    shown = [row.get("b64_json") or row.get("url") for row in _rows(exchange)]
    if len(shown) < 2 or not all(isinstance(one, str) for one in shown):
        raise Inconclusive("there are no two images")
    if len(set(shown)) == 1:
        yield Finding("images that differ", f"{len(shown)} times the same", "body /data")


def _texts(exchange: Exchange) -> list[tuple[str, str]]:
    """Where and what: each base64 text of an answer or of its events."""
    if exchange.asked_to_stream:
        found = [(f"event {number} /b64_json", data.get("b64_json")) for number, data in _events(exchange)]
    else:
        found = [(f"body /data/{place}/b64_json", row.get("b64_json")) for place, row in enumerate(_rows(exchange))]
    texts = [(where, text) for where, text in found if isinstance(text, str) and text]
    if not texts:
        raise Inconclusive("no picture came as base64")
    return texts


def _decoded(text: str) -> view.Picture:
    try:
        return view.picture(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        if isinstance(error, view.Broken):
            raise
        raise view.Broken(f"it is no base64: {text[:40]!r}") from error


def _pictures(exchange: Exchange) -> Iterator[tuple[str, view.Picture]]:
    """Where and what: each picture that can be decoded; at least one."""
    seen = False
    for where, text in _texts(exchange):
        try:
            yield where, _decoded(text)
            seen = True
        except view.Broken:
            continue
    if not seen:
        raise Inconclusive("no picture can be decoded, which images.whole judges")


@check("images.count", level=MUST, applies=_is_plain, spec=_REQUEST + "n")
def count(exchange: Exchange) -> Iterator[Finding]:
    """There are as many images as n asks for; one, without it."""
    none = view.whole_answer(exchange).get("data") is None
    found, wanted = 0 if none else len(_rows(exchange)), _wanted(exchange)
    if found != wanted:
        yield Finding(str(wanted), str(found), "body /data")


@check("images.payload", level=MUST, applies=view.is_images, spec="openai#/components/schemas/Image")
def payload(exchange: Exchange) -> Iterator[Finding]:
    """Each image is there: as base64, or as an address that a client can fetch as it stands."""
    if exchange.asked_to_stream:
        for number, data in _events(exchange):
            if str(data.get("type")).endswith(".completed") and data.get("b64_json") == "":
                yield Finding("b64_json", "nothing", f"event {number} /b64_json")
        return
    for place, row in enumerate(_rows(exchange)):
        where = f"body /data/{place}"
        if not row.get("b64_json") and not row.get("url"):
            yield Finding("b64_json or url", ", ".join(row) or "nothing", where)
        elif row.get("url") and not re.match(r"https?://[^/]+|data:image/", str(row["url"])):
            yield Finding("an absolute address", str(row["url"])[:80], f"{where}/url")


@check("images.response-format", level=MUST, applies=_asks("response_format"), spec=_REQUEST + "response_format")
def response_format(exchange: Exchange) -> Iterator[Finding]:
    """The images come as response_format asks for: as url, or as b64_json."""
    wanted = str(view.member(exchange, "response_format"))
    for place, row in enumerate(_rows(exchange)):
        if not row.get(wanted) and (row.get("b64_json") or row.get("url")):
            yield Finding(wanted, ", ".join(name for name in row if row[name]), f"body /data/{place}")
            return


def _has_base64(exchange: Exchange) -> bool:
    return view.is_images(exchange) and b'"b64_json"' in exchange.body


@check("images.whole", level=MUST, applies=_has_base64, spec=_IMAGE + "b64_json")
def whole(exchange: Exchange) -> Iterator[Finding]:
    """Each b64_json, also of a partial image, is the base64 of a picture that can be decoded to its end."""
    for where, text in _texts(exchange):
        try:
            _decoded(text)
        except view.Broken as error:
            yield Finding("a whole picture", str(error)[:160], where)


def _asks_pixels(exchange: Exchange) -> bool:
    return view.is_images(exchange) and re.fullmatch(r"\d+x\d+", str(view.member(exchange, "size"))) is not None


@check("images.size", level=MUST, applies=_asks_pixels, spec=_REQUEST + "size")
def size(exchange: Exchange) -> Iterator[Finding]:
    """The images have the size that was asked for."""
    wanted = str(view.member(exchange, "size"))
    for where, found in _pictures(exchange):
        # What is shown before the end may be a sketch.
        if found.size != wanted and not _is_partial(exchange, where):
            yield Finding(wanted, found.size, where)


def _is_partial(exchange: Exchange, where: str) -> bool:
    if not exchange.asked_to_stream:
        return False
    table = {f"event {number} /b64_json": data.get("type") for number, data in _events(exchange)}
    return not str(table.get(where)).endswith(".completed")


@check("images.output-format", level=MUST, applies=_asks("output_format"), spec=_REQUEST + "output_format")
def output_format(exchange: Exchange) -> Iterator[Finding]:
    """The images are of the output_format that was asked for."""
    wanted = view.member(exchange, "output_format")
    for where, found in _pictures(exchange):
        if found.kind != wanted:
            yield Finding(str(wanted), found.kind, where)


@check("images.background", level=SHOULD, applies=_asks("background"), spec=_REQUEST + "background")
def background(exchange: Exchange) -> Iterator[Finding]:
    """The background is transparent, or opaque, where that was asked for."""
    wanted = view.member(exchange, "background")
    for where, found in _pictures(exchange):
        clear = found.least_alpha < 255
        if (wanted == "transparent" and not clear) or (wanted == "opaque" and clear):
            yield Finding(wanted, f"{found.kind}, opaque from {found.least_alpha} of 255", where)


@check(
    "images.reported",
    level=SHOULD,
    applies=_has_base64,
    spec=_ANSWER,
)
def reported(exchange: Exchange) -> Iterator[Finding]:
    """What the answer, or an event, says of its images, size and form, is what they are."""
    said_in = {f"event {n} /b64_json": data for n, data in _events(exchange)} if exchange.asked_to_stream else {}
    for where, found in _pictures(exchange):
        if _is_partial(exchange, where):
            continue
        body = said_in.get(where) or view.whole_answer(exchange)
        for name, real in (("size", found.size), ("output_format", found.kind)):
            said = body.get(name)
            if isinstance(said, str) and said != real and said != "auto":
                yield Finding(f"{real}, as in {where}", said, f"body /{name}")
        asked = view.member(exchange, "background") == "transparent"  # that is images.background's
        if body.get("background") == "transparent" and found.least_alpha == 255 and not asked:
            yield Finding(f"opaque, as in {where}", "transparent", "body /background")


def _counted(exchange: Exchange) -> bool:
    return view.is_images(exchange) and b'"usage"' in exchange.body


@check("images.usage-sum", level=SHOULD, applies=_counted, spec=_ANSWER + "/properties/usage")
def usage_sum(exchange: Exchange) -> Iterator[Finding]:
    """The total of the usage is the tokens of the input and of the output together, and no detail is larger."""
    bodies = [data for _, data in _events(exchange)] if exchange.asked_to_stream else [view.whole_answer(exchange)]
    counted = [body["usage"] for body in bodies if isinstance(body.get("usage"), dict)]
    if not counted:
        raise Inconclusive("there is no usage")
    for usage in counted:
        details = usage.get("input_tokens_details")
        for name, value in details.items() if isinstance(details, dict) else ():
            if isinstance(value, int) and value > view.count(usage, "input_tokens"):
                yield Finding(f"at most {usage['input_tokens']}", f"{value}", f"/usage/input_tokens_details/{name}")
        yield from view.summed(usage)


@check("images.known-members", level=MAY, applies=_is_plain, spec=_ANSWER)
def known_members(exchange: Exchange) -> Iterator[Finding]:
    """The answer and its images have no members that the document does not know."""
    more = set(view.whole_answer(exchange)) - _BESIDE
    inside = {name for row in _rows(exchange) for name in row} - _KNOWN
    if more or inside:
        yield Finding("no others", ", ".join(sorted([*more, *(f"data/*/{name}" for name in inside)]))[:160], "body")


@check("images.streamed", level=MUST, applies=_is_streamed, spec=_REQUEST + "stream")
def streamed(exchange: Exchange) -> Iterator[Finding]:
    """A request with stream true is answered by an event stream."""
    if exchange.media == "text/event-stream":
        return
    try:
        failed = view.error_in_200(view.json_body(exchange))
    except Inconclusive:
        failed = False
    if failed:
        raise Inconclusive("the answer is an error")
    yield Finding("text/event-stream", exchange.media or "no Content-Type", "header content-type")


def _types(exchange: Exchange) -> list[str]:
    kinds = ["an error" if "error" in data else str(data.get("type")) for _, data in _events(exchange)]
    if not any(kind.startswith(("image_generation.", "image_edit.")) for kind in kinds):
        raise Inconclusive("no event is one of images, which wire.event-schema judges")
    return kinds


@check("images.stream-ends", level=MUST, applies=_is_streamed, spec="openai#/components/schemas/ImageGenCompletedEvent")
def stream_ends(exchange: Exchange) -> Iterator[Finding]:
    """A stream has one completed event for each image, of the operation's own name, and ends with one."""
    wanted = f"{_PREFIX.get(exchange.operation.id, 'image_generation')}.completed"
    kinds = _types(exchange)
    if kinds.count(wanted) != _wanted(exchange) or kinds[-1] != wanted:
        actual = f"{kinds.count(wanted)}; the last event is {kinds[-1]}"
        yield Finding(f"{_wanted(exchange)} of {wanted}, one at the end", actual, "events")


@check(
    "images.stream-partials",
    level=MUST,
    applies=_is_streamed,
    spec="openai#/components/schemas/ImageGenPartialImageEvent",
)
def stream_partials(exchange: Exchange) -> Iterator[Finding]:
    """Partial images are numbered from 0, and there are no more of them than were asked for."""
    indices = [
        d.get("partial_image_index") for _, d in _events(exchange) if str(d.get("type")).endswith(".partial_image")
    ]
    most = int(view.member(exchange, "partial_images", 0))
    if not indices and most:
        # The document lets a fast model send fewer than were asked for.
        raise Inconclusive("no partial image came")
    if len(indices) > most * _wanted(exchange):
        yield Finding(f"at most {most} partial images", str(len(indices)), "events")
    elif _wanted(exchange) == 1 and indices != list(range(len(indices))):
        yield Finding(f"{list(range(len(indices)))}", f"{indices}"[:80], "events /partial_image_index")


def _is_fetched(exchange: Exchange) -> bool:
    return exchange.operation.id == "fetchImage" and view.is_ok(exchange)


@check("images.fetched", level=MUST, applies=_is_fetched, spec=_IMAGE + "url")
def fetched(exchange: Exchange) -> Iterator[Finding]:
    """At the address of an image is a whole picture, whose Content-Type is its own."""
    view.require_whole(exchange)
    try:
        found = view.picture(exchange.body)
    except view.Broken as error:
        yield Finding("a whole picture", str(error)[:160], "body")
        return
    # A store of objects names no type where its owner gave none.
    if exchange.media not in (_MEDIA[found.kind], "image/jpg", "application/octet-stream", "binary/octet-stream", ""):
        yield Finding(_MEDIA[found.kind], exchange.media, "header content-type")
