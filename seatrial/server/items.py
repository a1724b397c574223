"""The items of responses and conversations: validated, as they are kept, and as the messages that they add up to."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable
from typing import Any

from seatrial.server import messages
from seatrial.server.plant import Json
from seatrial.server.refuse import Refused, bad

_PREFIX = {
    "message": "msg_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "reasoning": "rs_",
    "compaction": "cmp_",
}
_TEXTS = ("input_text", "output_text")
_SEAL = "seatrial compaction of "


def new_id(kind: str) -> str:
    """An id for an item of this type."""
    return _PREFIX[kind] + secrets.token_hex(16)


def given(value: Any, known: dict[str, Json], vision: bool, origin: str, at: str = "input") -> list[Json]:
    """The items of an input, as they are kept; `known` are those that a reference may name. Raises Refused."""
    if isinstance(value, str):
        return [_kept({"type": "message", "role": "user", "content": value})]
    if not isinstance(value, list):
        raise bad(at, f"Invalid type for '{at}': expected a string or an array of items.", "invalid_type")
    found = []
    for place, item in enumerate(value):
        where = f"{at}[{place}]"
        _validate(item, where, vision, origin)
        if item.get("type") == "item_reference":
            if item["id"] not in known:
                raise Refused(404, f"Item with id '{item['id']}' not found.", at, "item_not_found")
            found.append(known[item["id"]])
        else:
            found.append(_kept(item))
    return found


def _kept(item: Json) -> Json:
    kind = item.get("type", "message")
    made = {**item, "type": kind, "id": item.get("id") or new_id(kind)}
    if kind == "message":
        text = "output_text" if item["role"] == "assistant" else "input_text"
        if isinstance(item["content"], str):
            made["content"] = [{"type": text, "text": item["content"]}]
        made["content"] = [
            {"annotations": [], **part} if part["type"] == "output_text" else part for part in made["content"]
        ]
    return made if kind in ("reasoning", "compaction") else {**made, "status": item.get("status") or "completed"}


def compacted(items: Iterable[Json]) -> list[Json]:
    """The items made shorter: what users said, and one item that has in it the beginning of all that was said."""
    told = [
        (item["role"], part.get("text", "")) for item in items if item["type"] == "message" for part in item["content"]
    ]
    summary = _SEAL + " ".join(f"{role}: {text[:200]}" for role, text in told)
    sealed = base64.b64encode(summary.encode()).decode()
    asked = [item for item in items if item["type"] == "message" and item["role"] == "user"]
    return [*asked, {"type": "compaction", "id": new_id("compaction"), "encrypted_content": sealed}]


def _unsealed(text: str) -> str:
    """What a compaction has in it; empty where it was not made here."""
    try:
        read = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return read.removeprefix(_SEAL) if read.startswith(_SEAL) else ""


def _text(item: Json, name: str, at: str) -> None:
    if name not in item:
        raise bad(f"{at}.{name}", f"Missing required parameter: '{at}.{name}'.", "missing_required_parameter")
    if not isinstance(item[name], str):
        raise bad(f"{at}.{name}", f"Invalid type for '{at}.{name}': expected a string.", "invalid_type")


def _validate(item: Any, at: str, vision: bool, origin: str) -> None:
    if not isinstance(item, dict):
        raise bad(at, f"Invalid type for '{at}': expected an object.", "invalid_type")
    kind = item.get("type", "message")
    if item.get("id") is not None or kind == "item_reference":
        _text(item, "id", at)
    match kind:
        case "message":
            _message(item, at, vision, origin)
        case "function_call":
            for name in ("call_id", "name", "arguments"):
                _text(item, name, at)
        case "function_call_output":
            _text(item, "call_id", at)
            if not 1 <= len(item["call_id"]) <= 64:
                raise bad(f"{at}.call_id", f"Invalid '{at}.call_id': 1 to 64 characters.", "invalid_value")
            if isinstance(item.get("output"), list):
                _parts(item["output"], f"{at}.output", "user", vision, origin)
            else:
                _text(item, "output", at)
        case "reasoning":
            if not isinstance(item.get("summary"), list):
                raise bad(f"{at}.summary", f"Invalid type for '{at}.summary': expected an array.", "invalid_type")
            for place, part in enumerate(item["summary"]):
                if not isinstance(part, dict) or part.get("type") != "summary_text":
                    raise bad(f"{at}.summary[{place}]", f"Invalid '{at}.summary[{place}]'.", "invalid_value")
                _text(part, "text", f"{at}.summary[{place}]")
        case "compaction":
            _text(item, "encrypted_content", at)
            if not _unsealed(item["encrypted_content"]):
                raise bad(f"{at}.encrypted_content", "The content of a compaction cannot be read.", "invalid_value")
        case "item_reference":
            pass
        case _:
            raise bad(f"{at}.type", f"Invalid value for '{at}.type': {kind!r} is not supported.", "invalid_value")


def _message(item: Json, at: str, vision: bool, origin: str) -> None:
    roles = ("user", "assistant", "system", "developer")
    if item.get("role") not in roles:
        raise bad(f"{at}.role", f"Invalid value for '{at}.role': expected one of {', '.join(roles)}.", "invalid_value")
    content = item.get("content")
    if isinstance(content, list):
        _parts(content, f"{at}.content", item["role"], vision, origin)
    else:
        _text(item, "content", at)
    for name, values in (
        ("status", ("in_progress", "completed", "incomplete")),
        ("phase", ("commentary", "final_answer")),
    ):
        if item.get(name) is not None and item[name] not in values:
            raise bad(f"{at}.{name}", f"Invalid value for '{at}.{name}'.", "invalid_value")


def _parts(content: list[Any], at: str, role: str, vision: bool, origin: str) -> None:
    if not content:
        raise bad(at, f"Invalid '{at}': empty array.", "empty_array")
    for place, part in enumerate(content):
        where = f"{at}[{place}]"
        kind = part.get("type") if isinstance(part, dict) else None
        if role == "assistant" and kind in ("output_text", "refusal"):
            _text(part, "text" if kind == "output_text" else "refusal", where)
        elif role != "assistant" and kind == "input_text":
            _text(part, "text", where)
        elif role == "user" and kind == "input_image":
            if not vision:
                raise bad(at, "Invalid content type. input_image is only supported by certain models.", "invalid_value")
            _text(part, "image_url", where)
            messages.image_of({"url": part["image_url"], "detail": part.get("detail") or "auto"}, where, origin)
        else:
            raise bad(f"{where}.type", f"Invalid value for '{where}.type': {kind!r} is not supported.", "invalid_value")


def answered(items: Iterable[Json]) -> None:
    """Each output belongs to a call before it. Raises Refused."""
    calls: set[str] = set()
    for item in items:
        if item["type"] == "function_call":
            calls.add(item["call_id"])
        elif item["type"] == "function_call_output" and item["call_id"] not in calls:
            raise bad("input", f"No tool call found for function call output with call_id {item['call_id']}.")


def as_messages(items: Iterable[Json]) -> list[Json]:
    """The messages of a chat that the items add up to."""
    made: list[Json] = []
    for item in items:
        match item["type"]:
            case "message":
                made.append({"role": item["role"], "content": [_part(part) for part in item["content"]]})
            case "compaction":
                made.append({"role": "system", "content": _unsealed(item["encrypted_content"])})
            case "function_call":
                call = {"name": item["name"], "arguments": item["arguments"]}
                row = {"id": item["call_id"], "type": "function", "function": call}
                if made and made[-1].get("tool_calls"):
                    made[-1]["tool_calls"].append(row)
                else:
                    made.append({"role": "assistant", "content": None, "tool_calls": [row]})
            case "function_call_output":
                output = item["output"]
                text = output if isinstance(output, str) else "".join(part.get("text", "") for part in output)
                made.append({"role": "tool", "tool_call_id": item["call_id"], "content": text})
    return made


def _part(part: Json) -> Json:
    if part["type"] == "input_image":
        return {"type": "image_url", "image_url": {"url": part["image_url"]}}
    if part["type"] == "refusal":
        return {"type": "refusal", "refusal": part["refusal"]}
    return {"type": "text", "text": part["text"]}


def page(items: list[Json], query: dict[str, str]) -> Json:
    """A page of a list, by `limit`, `order` and `after`. Raises Refused."""
    limit, order, after = query.get("limit", "20"), query.get("order", "desc"), query.get("after")
    if not limit.isdecimal() or not 1 <= int(limit) <= 100:
        raise bad("limit", "Invalid 'limit': expected an integer from 1 to 100.", "invalid_value")
    if order not in ("asc", "desc"):
        raise bad("order", "Invalid 'order': expected asc or desc.", "invalid_value")
    rows = items if order == "asc" else items[::-1]
    if after is not None:
        places = [place for place, item in enumerate(rows) if item["id"] == after]
        if not places:
            raise bad("after", f"No item has the id '{after}'.", "invalid_value")
        rows = rows[places[0] + 1 :]
    shown = rows[: int(limit)]
    ends = {"first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None}
    return {"object": "list", "data": shown, **ends, "has_more": len(rows) > len(shown)}
