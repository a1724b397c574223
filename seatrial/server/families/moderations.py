"""POST /moderations: a judge that knows a few words."""

from __future__ import annotations

import re
import secrets
from typing import Any

from starlette.responses import Response

from seatrial.server import validate as v
from seatrial.server.call import Call
from seatrial.server.language import dice
from seatrial.server.plant import Json
from seatrial.server.refuse import bad

_DEFAULT = "seatrial-judge"
_WORDS = {
    "hate": ("vermin", "subhuman"),
    "hate/threatening": (),
    "harassment": ("idiot", "stupid"),
    "harassment/threatening": ("regret",),
    "illicit": ("smuggle", "counterfeit"),
    "illicit/violent": ("bomb",),
    "self-harm": ("overdose",),
    "self-harm/intent": (),
    "self-harm/instructions": (),
    "sexual": ("nude",),
    "sexual/minors": (),
    "violence": ("kill", "stab", "bomb"),
    "violence/graphic": ("gore",),
}
_SEEN = ("self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "violence", "violence/graphic")
"""Categories in which pictures are judged too."""


def _part(place: int, part: Any) -> None:
    name = f"input[{place}]"
    if not isinstance(part, dict) or part.get("type") not in ("text", "image_url"):
        raise bad(name, f"Invalid '{name}': expected a part of type text or image_url.", "invalid_type")
    if part["type"] == "text" and not isinstance(part.get("text"), str):
        raise bad(f"{name}.text", f"Invalid type for '{name}.text': expected a string.", "invalid_type")
    address = part["image_url"].get("url") if isinstance(part.get("image_url"), dict) else None
    fits = isinstance(address, str) and re.match(r"https?://|data:image/", address)
    if part["type"] == "image_url" and not fits:
        raise bad(f"{name}.image_url.url", "Expected an http(s) URL or a data URL of an image.", "invalid_value")


def _input(name: str, value: Any) -> None:
    if isinstance(value, str):
        return
    if not isinstance(value, list) or not value:
        raise bad(name, "Invalid type for 'input': expected a string or a list.", "invalid_type")
    if not all(isinstance(item, str) for item in value):
        for place, part in enumerate(value):
            _part(place, part)


def _validate(body: Json, known: dict[str, Any]) -> None:
    if "model" in body and not known[v.model(body, known)].get("moderations"):
        raise bad("model", f"This model does not judge: '{body['model']}'.", "model_not_supported")
    v.required(body, "input")
    v.members(body, {"input": _input}, {"model"})


def _result(text: str, kinds: list[str]) -> Json:
    """What the judge says of one text, given with inputs of these kinds."""
    said = set(re.findall(r"\w+", text.lower()))
    flags = {name: bool(said & set(words)) for name, words in _WORDS.items()}
    scores = {
        name: round((0.9 if flag else 0.0) + dice("moderation", text, name).random() / 20, 6)
        for name, flag in flags.items()
    }
    applied = {name: [kind for kind in kinds if kind == "text" or name in _SEEN] for name in flags}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": scores,
        "category_applied_input_types": applied,
    }


def moderate(call: Call) -> Response:
    """One result for each text of a list; one for a text, or for parts that belong together."""
    body = call.json(lambda body: _validate(body, call.server.models))
    given = body["input"]
    if isinstance(given, str) or isinstance(given[0], str):
        results = [_result(text, ["text"]) for text in ([given] if isinstance(given, str) else given)]
    else:
        kinds = [
            kind for kind, type_ in (("text", "text"), ("image", "image_url")) if any(p["type"] == type_ for p in given)
        ]
        results = [_result(" ".join(part.get("text", "") for part in given), kinds)]
    made = {"id": f"modr-{secrets.token_hex(12)}", "model": body.get("model") or _DEFAULT, "results": results}
    return call.answer(made, body)


ROUTES = {"/moderations": {"POST": moderate}}
