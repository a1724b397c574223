"""POST /images/generations, /images/edits and /images/variations: pictures of rectangles."""

from __future__ import annotations

import base64
import io
import re
import time
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageDraw, ImageOps
from starlette.responses import Response

from seatrial.server import tokens
from seatrial.server import validate as v
from seatrial.server.call import Call, Upload
from seatrial.server.language import dice
from seatrial.server.plant import Json
from seatrial.server.refuse import bad

_MOST = 2048
"""Pixels in a row or column."""
_KEPT = 64
"""Pictures that can be had by their address."""
_SHAPES = 12
_MEDIA = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


def _size(name: str, value: Any) -> None:
    if value in (None, "auto"):
        return
    hit = re.fullmatch(r"(\d{1,4})x(\d{1,4})", value) if isinstance(value, str) else None
    if hit is None or not all(16 <= int(side) <= _MOST for side in hit.groups()):
        raise bad(name, f"Invalid 'size': expected WIDTHxHEIGHT of 16 to {_MOST} pixels each.", "invalid_value")


_ANY: dict[str, v.Rule] = {
    "n": v.number(1, 10, whole=True),
    "size": _size,
    "response_format": v.one_of("url", "b64_json"),
    "user": v.text(),
}
_EDIT: dict[str, v.Rule] = {
    **_ANY,
    "prompt": v.text(32_000),
    "quality": v.one_of("standard", "low", "medium", "high", "auto"),
    "output_format": v.one_of(*_MEDIA),
    "output_compression": v.number(0, 100, whole=True),
    "background": v.one_of("transparent", "opaque", "auto"),
    "stream": v.boolean,
    "partial_images": v.number(0, 3, whole=True),
    "input_fidelity": v.one_of("high", "low"),
}
_CREATE: dict[str, v.Rule] = {
    **{name: rule for name, rule in _EDIT.items() if name != "input_fidelity"},
    "quality": v.one_of("standard", "hd", "low", "medium", "high", "auto"),
    "moderation": v.one_of("low", "auto"),
    "style": v.one_of("vivid", "natural"),
}


def _validate(body: Json, known: dict[str, Any], rules: dict[str, v.Rule], files: tuple[str, ...] = ()) -> None:
    """Raises Refused at the first fault of a request."""
    if body.get("model") is not None and not known[v.model(body, known)].get("images"):
        raise bad("model", f"This model does not paint: '{body['model']}'.", "model_not_supported")
    v.members(body, rules, {"model", *files})
    if "prompt" in rules:
        v.required(body, "prompt")
    if files:
        v.required(body, "image")
    kind = body.get("output_format") or "png"
    if body.get("output_compression") is not None and kind == "png":
        raise bad("output_compression", "'output_compression' goes with jpeg and webp.", "invalid_value")
    if body.get("background") == "transparent" and kind == "jpeg":
        raise bad("background", "A JPEG is never transparent.", "invalid_value")


def _opened(name: str, value: Any) -> Image.Image:
    """An uploaded picture. Raises Refused where it is none."""
    if not isinstance(value, Upload):
        raise bad(name, f"Invalid type for '{name}': expected a file.", "invalid_type")
    try:
        with Image.open(io.BytesIO(value.data), formats=("PNG", "JPEG", "WEBP")) as found:
            if max(found.size) > 2 * _MOST:
                raise bad(name, f"Invalid '{name}': the picture is too large.", "invalid_image")
            found.load()
            return found.convert("RGBA")
    except (OSError, SyntaxError, ValueError) as error:
        raise bad(name, f"Invalid '{name}': the file is no picture.", "invalid_image") from error


def _painted(prompt: str, number: int, size: tuple[int, int], transparent: bool, shapes: int = _SHAPES) -> Image.Image:
    """Rectangles by chance, which hangs on the prompt and the number alone; the first ones of it for a partial picture."""
    chance = dice("picture", prompt, number)
    ground = (0, 0, 0, 0) if transparent else (*(chance.randrange(256) for _ in range(3)), 255)
    made = Image.new("RGBA", size, ground)
    pen = ImageDraw.Draw(made)
    for _ in range(shapes):
        x, y = (chance.randrange(side) for side in size)
        corner = (x + chance.randrange(8, 8 + size[0] // 3), y + chance.randrange(8, 8 + size[1] // 3))
        pen.rectangle((x, y, *corner), (*(chance.randrange(256) for _ in range(3)), 255))
    return made


def _file(made: Image.Image, body: Json) -> bytes:
    out = io.BytesIO()
    kind = body.get("output_format") or "png"
    given = body.get("output_compression")
    more = {} if kind == "png" else {"quality": max(1, 100 if given is None else given)}
    (made.convert("RGB") if kind == "jpeg" else made).save(out, kind.upper(), **more)
    return out.getvalue()


def _sides(body: Json, default: tuple[int, int]) -> tuple[int, int]:
    given = body.get("size")
    if given in (None, "auto"):
        return default
    width, height = (int(side) for side in given.split("x"))
    return width, height


def _about(body: Json, size: tuple[int, int]) -> Json:
    """What an answer says of its pictures."""
    return {
        "background": "transparent" if body.get("background") == "transparent" else "opaque",
        "output_format": body.get("output_format") or "png",
        "size": f"{size[0]}x{size[1]}",
        "quality": body["quality"] if body.get("quality") in ("low", "high") else "medium",
    }


def _usage(body: Json, size: tuple[int, int], number: int, shown: int) -> Json:
    read, written = tokens.count(body.get("prompt") or ""), number * (size[0] * size[1] // 1024 + 1)
    details = {"text_tokens": read, "image_tokens": shown}
    total = {"input_tokens": read + shown, "output_tokens": written, "total_tokens": read + shown + written}
    return {**total, "input_tokens_details": details}


def _address(call: Call, data: bytes, media: str) -> str:
    """The URL at which the picture can be had, without a key."""
    kept: dict[str, tuple[bytes, str]] = call.store("assets", dict)
    name = f"picture-{len(kept)}-{time.time_ns():x}.{media.partition('/')[2]}"
    while len(kept) >= _KEPT:
        kept.pop(next(iter(kept)))
    kept[name] = (data, media)
    return f"{call.request.url.scheme}://{call.request.url.netloc}/assets/{name}"


def _answer(call: Call, body: Json, pictures: list[Image.Image], shown: int = 0) -> Response:
    """The pictures in the form that was asked for."""
    media = _MEDIA[body.get("output_format") or "png"]
    files = [_file(made, body) for made in pictures]
    if body.get("response_format") == "url":
        data = [{"url": _address(call, file, media)} for file in files]
    else:
        data = [{"b64_json": base64.b64encode(file).decode("ascii")} for file in files]
    size = pictures[0].size
    usage = _usage(body, size, len(pictures), shown)
    return call.answer({"created": int(time.time()), "data": data, **_about(body, size), "usage": usage}, body)


def _events(body: Json, prefix: str, stages: list[list[Image.Image]], shown: int = 0) -> Iterator[Json]:
    """Of each picture its stages, of which the last is the picture itself."""
    for stage in stages:
        for index, made in enumerate(stage):
            common = {
                "b64_json": base64.b64encode(_file(made, body)).decode("ascii"),
                "created_at": int(time.time()),
                **_about(body, made.size),
            }
            if index < len(stage) - 1:
                yield {"type": f"{prefix}.partial_image", **common, "partial_image_index": index}
            else:
                yield {"type": f"{prefix}.completed", **common, "usage": _usage(body, made.size, 1, shown)}


def create(call: Call) -> Response:
    """Pictures of a prompt."""
    body = call.json(lambda body: _validate(body, call.server.models, _CREATE))
    size, number = _sides(body, (1024, 1024)), body.get("n") or 1
    clear = body.get("background") == "transparent"
    prompt = body["prompt"]
    if body.get("stream"):
        partial = body.get("partial_images") or 0
        parts = [_SHAPES * (part + 1) // (partial + 1) for part in range(partial + 1)]
        stages = [[_painted(prompt, each, size, clear, shapes) for shapes in parts] for each in range(number)]
        return call.stream(body, _events(body, "image_generation", stages))
    return _answer(call, body, [_painted(prompt, each, size, clear) for each in range(number)])


_KINDS = {"n": int, "output_compression": int, "partial_images": int, "stream": bool}


def edit(call: Call) -> Response:
    """The picture, painted over where the mask is transparent; without a mask, over a half of it."""
    body = call.fields(_KINDS, lambda body: _validate(body, call.server.models, _EDIT, ("image", "mask")))
    given = body["image"] if isinstance(body["image"], list) else [body["image"]]
    under = _opened("image", given[0])
    mask = _opened("mask", body["mask"]).getchannel("A") if body.get("mask") is not None else None
    if mask is not None and mask.size != under.size:
        raise bad("mask", "Invalid 'mask': it has not the size of the image.", "invalid_image")
    size, number = _sides(body, under.size), body.get("n") or 1
    made = []
    for each in range(number):
        over = _painted(body["prompt"], each, under.size, False)
        keep = mask if mask is not None else Image.linear_gradient("L").resize(under.size)
        made.append(Image.composite(under, over, keep).resize(size))
    shown = sum(1 + _opened("image", one).width // 16 for one in given)
    if body.get("stream"):
        return call.stream(body, _events(body, "image_edit", [[one] for one in made], shown))
    return _answer(call, body, made, shown)


def vary(call: Call) -> Response:
    """The picture with its colours turned, in as many ways as were asked for."""
    body = call.fields(_KINDS, lambda body: _validate(body, call.server.models, _ANY, ("image",)))
    under = _opened("image", body["image"])
    if under.width != under.height:
        raise bad("image", "Invalid 'image': expected a square picture.", "invalid_image")
    size = _sides(body, (1024, 1024))
    made = []
    for each in range(body.get("n") or 1):
        red, green, blue, alpha = under.split()
        turned = [ImageOps.solarize(channel, 255 * each // 10) for channel in (green, blue, red)]
        made.append(Image.merge("RGBA", (*turned, alpha)).resize(size))
    return _answer(call, body, made, 1 + under.width // 16)


ROUTES = {
    "/images/generations": {"POST": create},
    "/images/edits": {"POST": edit},
    "/images/variations": {"POST": vary},
}
