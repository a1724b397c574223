"""Makes the target: reaches the base URL once, finds its models, and learns whether it asks for a key."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from seatrial.client import Client
from seatrial.model import Exchange, Invalid, Operation, Unreachable
from seatrial.profile import Profile, Target
from seatrial.refusal import retry_after

_LIST = Operation("listModels", "GET", "/models")
_CHAT = Operation("createChatCompletion", "POST", "/chat/completions")
_SERVES = {
    "embeddings": ("EMBEDDING", r"embed"),
    "audio": ("STT", r"whisper|transcri|\bstt\b"),
    "speech": ("TTS", r"\btts\b|speech"),
    "images": ("IMAGE", r"dall-e|image\b|stable-diffusion|\bflux"),
    "moderations": ("MODERATION", r"moderation"),
}
"""By family: the `meta_data.model_type` of a model that serves it, and what the ids of others tell."""


def models_given(values: tuple[str, ...] | list[str]) -> dict[str, str]:
    """`--model ID` and `--model family=ID` as a table; the plain one is `default`. Raises Invalid."""
    table: dict[str, str] = {}
    for value in values:
        family, equals, id = value.partition("=")
        if not equals:
            family, id = "default", value
        if not id or not family:
            raise Invalid("--model", "", f"{value!r} is neither ID nor family=ID")
        table[family] = id
    return table


def connect(
    base_url: str, key_variable: str, given: Mapping[str, str], profile: Profile, client: Client
) -> tuple[Target, list[str]]:
    """The target with its models and what was discovered of it, and notes on what was assumed.

    Raises Unreachable where it does not answer, is no API, or refuses the key; Invalid where no model is known.
    """
    target = Target(base_url, key_variable, {**profile.models, **given}, profile)
    answer = _asked(client, target)
    _require_answer(answer, client, key_variable)
    notes: list[str] = []
    listed = _listed(answer)
    ids = list(listed)
    models = dict(target.models)
    if "default" not in models:
        if not ids:
            if answer.error is not None or answer.status == 429 or (answer.status or 500) >= 500:
                why = f"{answer.error.kind}: {answer.error.detail}" if answer.error else f"status {answer.status}"
                raise Unreachable(f"{answer.request.url}: {why}: no model is known; wait, or name one by --model")
            what = f"GET /models is answered {answer.status}" if answer.status != 200 else "GET /models lists none"
            raise Invalid("--model", "", f"no model is known: {what}; name one by --model")
        models["default"] = next((id for id, family in listed.items() if family is None), ids[0])
        notes.append(f"no --model was given: {models['default']}, the first that GET /models lists, is used")
    for family in [name for name in _SERVES if name not in models]:
        found = next((id for id, serves in listed.items() if serves == family), None)
        if found:
            models[family] = found
            notes.append(f"{family} {'is' if family in ('audio', 'speech') else 'are'} asked of {found}")
    for family, id in given.items():
        if ids and id not in ids:
            notes.append(f"--model {family}={id} is not listed by GET /models")
    discovered = {"auth": False}
    if client.has_key:
        anonymous = client.send(_LIST, 0, base_url=target.base_for("models"), auth="none")
        discovered["auth"] = discovered["auth.models"] = anonymous.status in (401, 403)
        if anonymous.status == 200:
            # Some servers show their models to everyone, and guard the rest. What asks for nothing tells, and costs nothing.
            nothing = client.send(_CHAT, 0, body={}, base_url=target.base_for("chat"), auth="none")
            discovered["auth"] = nothing.status in (401, 403)
    discovered["models.owner-declared"] = profile.owner is not None
    discovered["vision.url"] = profile.image_url is not None
    if profile.image_url and profile.image_url.startswith("/"):
        origin = base_url.split("/", 3)
        profile = replace(profile, image_url="/".join(origin[:3]) + profile.image_url)
    keep = {name: value for name, value in discovered.items() if value is False or name == "auth"}
    return Target(base_url, key_variable, models, profile, keep), notes


def _asked(client: Client, target: Target) -> Exchange:
    """The models as listed; a server that says Retry-After is waited for a minute, and asked again."""
    end = time.monotonic() + 60
    while True:
        answer = client.send(_LIST, 0, base_url=target.base_for("models"))
        wait = retry_after(answer)
        if wait is None or time.monotonic() + wait > end:
            return answer
        time.sleep(max(wait, 0.5))


def _require_answer(answer: Exchange, client: Client, key_variable: str) -> None:
    url = answer.request.url
    if answer.error is not None and answer.status is None:
        raise Unreachable(f"{url}: {answer.error.kind}: {answer.error.detail}")
    if answer.status in (401, 403):
        why = (
            f"the key in ${key_variable} was refused"
            if client.has_key
            else f"a key is asked for, and ${key_variable} is not set"
        )
        raise Unreachable(f"{url}: {why} (status {answer.status})")
    if answer.media == "text/html" and (answer.status or 0) < 300:
        raise Unreachable(f"{url}: answers HTML, not JSON: is this the base URL of an API, such as https://host/v1?")
    if answer.status is not None and 300 <= answer.status < 400:
        raise Unreachable(f"{url}: redirects to {answer.header('location')}: give that base URL instead")


def _listed(answer: Exchange) -> dict[str, str | None]:
    """The ids that are listed, in their order, each with the family it serves where that is not chat."""
    try:
        body: Any = json.loads(answer.body)
        return {row["id"]: _family(row) for row in body["data"] if isinstance(row["id"], str)}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}


def _family(row: Mapping[str, Any]) -> str | None:
    meta = row.get("meta_data")
    kind = meta.get("model_type") if isinstance(meta, dict) else None
    for family, (type_, words) in _SERVES.items():
        if (isinstance(kind, str) and kind.upper() == type_) or (not kind and re.search(words, row["id"], re.I)):
            return family
    return None
