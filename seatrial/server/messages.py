"""Chat messages and tools: validation, and the prompt that they add up to."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from seatrial.server.refuse import bad

ROLES = ("developer", "system", "user", "assistant", "tool", "function")
_MAGIC = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP", re.S)
_ASSETS = ("/assets/dot.png",)
IMAGE_TOKENS = 85


def validate(messages: Any, vision: bool, origin: str) -> None:
    """Raises Refused at the first message that is not one."""
    if messages is None:
        raise bad("messages", "Missing required parameter: 'messages'.", "missing_required_parameter")
    if not isinstance(messages, list):
        raise bad("messages", "Invalid type for 'messages': expected an array of objects.", "invalid_type")
    if not messages:
        raise bad("messages", "Invalid 'messages': empty array.", "empty_array")
    for index, message in enumerate(messages):
        _message(message, f"messages[{index}]", vision, origin)


def _message(message: Any, at: str, vision: bool, origin: str) -> None:
    if not isinstance(message, dict):
        raise bad(at, f"Invalid type for '{at}': expected an object.", "invalid_type")
    role = message.get("role")
    if role not in ROLES:
        raise bad(f"{at}.role", f"Invalid value for '{at}.role': expected one of {', '.join(ROLES)}.", "invalid_value")
    if (role == "function" or "name" in message) and not isinstance(message.get("name"), str):
        raise bad(f"{at}.name", f"Invalid type for '{at}.name': expected a string.", "invalid_type")
    content = message.get("content")
    calls = message.get("tool_calls")
    for name, members in (("refusal", ()), ("audio", ("id",)), ("function_call", ("name", "arguments"))):
        if role == "assistant":
            _optional(message.get(name), f"{at}.{name}", members)
    if calls is not None:
        _calls(calls, f"{at}.tool_calls", role)
    if content is None:
        allowed = (
            role == "assistant" and (calls or message.get("function_call") or message.get("refusal") is not None)
        ) or role == "function"
        if not allowed:
            raise bad(
                f"{at}.content", f"Invalid value for '{at}.content': expected a string, got null.", "invalid_type"
            )
    elif isinstance(content, list):
        if not content:
            raise bad(f"{at}.content", f"Invalid '{at}.content': empty array.", "empty_array")
        for place, part in enumerate(content):
            _part(part, f"{at}.content[{place}]", role, vision, origin)
    elif not isinstance(content, str):
        raise bad(
            f"{at}.content", f"Invalid type for '{at}.content': expected a string or an array of parts.", "invalid_type"
        )
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise bad(
            f"{at}.tool_call_id", f"Missing required parameter: '{at}.tool_call_id'.", "missing_required_parameter"
        )


def _optional(value: Any, at: str, members: tuple[str, ...]) -> None:
    """Raises Refused for what is neither null nor an object of these strings (a string, where there are none)."""
    good = (
        isinstance(value, str)
        if not members
        else isinstance(value, dict) and all(isinstance(value.get(name), str) for name in members)
    )
    if value is not None and not good:
        raise bad(at, f"Invalid type for '{at}': expected {'an object' if members else 'a string'}.", "invalid_type")


def _calls(calls: Any, at: str, role: str) -> None:
    if not isinstance(calls, list) or role != "assistant":
        raise bad(at, f"Invalid value for '{at}'.", "invalid_type")
    for index, call in enumerate(calls):
        place = f"{at}[{index}]"
        if not isinstance(call, dict) or not isinstance(call.get("id"), str):
            raise bad(f"{place}.id", f"Invalid type for '{place}.id': expected a string.", "invalid_type")
        if call.get("type") not in ("function", "custom"):
            raise bad(f"{place}.type", f"Invalid value for '{place}.type': expected 'function'.", "invalid_value")
        custom = call.get("custom")
        if call["type"] == "custom" and isinstance(custom, dict):
            if not isinstance(custom.get("name"), str) or not isinstance(custom.get("input"), str):
                raise bad(f"{place}.custom", f"Invalid value for '{place}.custom'.", "invalid_type")
            continue
        function = call.get("function")
        if (
            not isinstance(function, dict)
            or not isinstance(function.get("name"), str)
            or not isinstance(function.get("arguments"), str)
        ):
            raise bad(f"{place}.function", f"Invalid value for '{place}.function'.", "invalid_type")


def _part(part: Any, at: str, role: str, vision: bool, origin: str) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind is not None and part.get("prompt_cache_breakpoint", {"mode": "explicit"}) != {"mode": "explicit"}:
        at = f"{at}.prompt_cache_breakpoint"
        raise bad(at, f"Invalid value for '{at}': expected mode 'explicit'.", "invalid_value")
    if kind == "text":
        if not isinstance(part.get("text"), str):
            raise bad(f"{at}.text", f"Invalid type for '{at}.text': expected a string.", "invalid_type")
    elif kind == "refusal" and role == "assistant":
        if not isinstance(part.get("refusal"), str):
            raise bad(f"{at}.refusal", f"Invalid type for '{at}.refusal': expected a string.", "invalid_type")
    elif kind == "image_url" and role == "user":
        if not vision:
            raise bad(
                "messages",
                "Invalid content type. image_url is only supported by certain models.",
                "invalid_content_type",
            )
        image_of(part.get("image_url"), f"{at}.image_url", origin)
    else:
        raise bad(f"{at}.type", f"Invalid value for '{at}.type': {kind!r} is not supported here.", "invalid_value")


def image_of(image: Any, at: str, origin: str) -> None:
    """Raises Refused where an image is none, or cannot be fetched."""
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(url, str):
        raise bad(f"{at}.url", f"Missing required parameter: '{at}.url'.", "missing_required_parameter")
    if image.get("detail", "auto") not in ("auto", "low", "high", "original"):
        raise bad(f"{at}.detail", f"Invalid value for '{at}.detail'.", "invalid_value")
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        try:
            raw = base64.b64decode(data, validate=True) if head.endswith(";base64") else b""
        except (binascii.Error, ValueError):
            raw = b""
        if not _MAGIC.match(raw):
            raise bad(
                f"{at}.url",
                "Invalid image: expected a base64 data URI of a PNG, JPEG, GIF or WebP.",
                "invalid_image_format",
            )
    elif url not in (origin + path for path in _ASSETS):
        raise bad(f"{at}.url", f"Error while downloading '{at}.url'.", "invalid_image_url")


def tools(given: Any, choice: Any, parallel: Any) -> dict[str, dict[str, Any]]:
    """The functions offered, by name. Raises Refused where tools or tool_choice are none."""
    if given is None:
        given = []
    elif not isinstance(given, list):
        raise bad("tools", "Invalid type for 'tools': expected an array of objects.", "invalid_type")
    found = {}
    for index, tool in enumerate(given):
        at = f"tools[{index}]"
        function = tool.get("function") if isinstance(tool, dict) else None
        custom = tool.get("custom") if isinstance(tool, dict) and tool.get("type") == "custom" else None
        if isinstance(custom, dict) and isinstance(custom.get("name"), str):
            found[custom["name"]] = custom
            continue
        if not isinstance(tool, dict) or tool.get("type") != "function":
            raise bad(f"{at}.type", f"Invalid value for '{at}.type': expected 'function'.", "invalid_value")
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise bad(
                f"{at}.function.name",
                f"Missing required parameter: '{at}.function.name'.",
                "missing_required_parameter",
            )
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", function["name"]):
            raise bad(
                f"{at}.function.name",
                f"Invalid '{at}.function.name': expected a-z, A-Z, 0-9, _ and -, up to 64.",
                "invalid_value",
            )
        if not isinstance(function.get("description"), (str, type(None))):
            raise bad(f"{at}.function.description", f"Invalid type for '{at}.function.description'.", "invalid_type")
        parameters = function.get("parameters", {})
        if not isinstance(parameters, dict) or parameters.get("type", "object") != "object":
            raise bad(
                f"{at}.function.parameters",
                f"Invalid schema for function '{function['name']}': type must be 'object'.",
                "invalid_function_parameters",
            )
        if not isinstance(function.get("strict"), (bool, type(None))):
            raise bad(f"{at}.function.strict", f"Invalid type for '{at}.function.strict'.", "invalid_type")
        if function.get("strict") is True:
            strict(parameters, f"{at}.function.parameters", f"function '{function['name']}'")
        found[function["name"]] = function
    _choice(choice, found)
    if parallel is not None and not isinstance(parallel, bool):
        raise bad("parallel_tool_calls", "Invalid type for 'parallel_tool_calls': expected a boolean.", "invalid_type")
    if parallel is not None and not found:
        raise bad(
            "parallel_tool_calls", "'parallel_tool_calls' is only allowed when 'tools' are specified.", "invalid_value"
        )
    return found


def _choice(choice: Any, offered: dict[str, Any]) -> None:
    if choice is None:
        return
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        _allowed(choice.get("allowed_tools"), offered)
    elif isinstance(choice, dict):
        kind = choice.get("type")
        function = choice.get(kind) if kind in ("function", "custom") else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(name, str):
            raise bad(
                "tool_choice",
                "Invalid value for 'tool_choice': expected type 'function' and function.name.",
                "invalid_value",
            )
        if name not in offered:
            raise bad("tool_choice", f"Tool choice '{name}' not found in 'tools' parameter.", "invalid_value")
    elif choice not in ("none", "auto", "required"):
        raise bad(
            "tool_choice",
            "Invalid value for 'tool_choice': expected none, auto, required or an object.",
            "invalid_value",
        )
    elif not offered:
        raise bad("tool_choice", "'tool_choice' is only allowed when 'tools' are specified.", "invalid_value")


def _allowed(allowed: Any, offered: dict[str, Any]) -> None:
    rows = allowed.get("tools") if isinstance(allowed, dict) else None
    if not isinstance(rows, list) or not rows or allowed.get("mode") not in ("auto", "required"):
        raise bad(
            "tool_choice", "Invalid value for 'tool_choice': allowed_tools has a mode and tools.", "invalid_value"
        )
    for row in rows:
        function = (row.get("function") or row.get("custom")) if isinstance(row, dict) else None
        if not isinstance(function, dict) or function.get("name") not in offered:
            raise bad("tool_choice", "'tool_choice' allows a tool that is not in 'tools'.", "invalid_value")


def response_format(given: Any) -> dict[str, Any] | None:
    """The response_format, or None for text. Raises Refused where it is none."""
    if given is None:
        return None
    if not isinstance(given, dict) or given.get("type") not in ("text", "json_object", "json_schema"):
        raise bad(
            "response_format.type",
            "Invalid value for 'response_format.type': expected text, json_object or json_schema.",
            "invalid_value",
        )
    extra = set(given) - {"type", "json_schema"}
    if extra:
        raise bad(
            f"response_format.{min(extra)}", f"Unknown parameter: 'response_format.{min(extra)}'.", "unknown_parameter"
        )
    if given["type"] != "json_schema":
        return given if given["type"] == "json_object" else None
    wanted = given.get("json_schema")
    if not isinstance(wanted, dict):
        raise bad(
            "response_format.json_schema",
            "Missing required parameter: 'response_format.json_schema'.",
            "missing_required_parameter",
        )
    if not isinstance(wanted.get("name"), str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", wanted["name"]):
        raise bad(
            "response_format.json_schema.name",
            "Missing or invalid 'response_format.json_schema.name'.",
            "missing_required_parameter",
        )
    if not isinstance(wanted.get("strict"), (bool, type(None))):
        raise bad(
            "response_format.json_schema.strict",
            "Invalid type for 'response_format.json_schema.strict'.",
            "invalid_type",
        )
    schema = wanted.get("schema")
    if not isinstance(schema, dict):
        raise bad(
            "response_format.json_schema.schema",
            "Missing required parameter: 'response_format.json_schema.schema'.",
            "missing_required_parameter",
        )
    if wanted.get("strict") is True:
        strict(schema, "response_format", f"response_format '{wanted['name']}'")
    return given


def strict(schema: dict[str, Any], param: str, where: str) -> None:
    """A strict schema is an object, closed, and each of its properties is required. Raises Refused."""
    properties = schema.get("properties", {})
    needed = schema.get("required", [])
    if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        why = "a strict schema has type 'object' and 'additionalProperties' false"
    elif not isinstance(properties, dict) or not isinstance(needed, list) or set(properties) - {str(n) for n in needed}:
        why = "'required' has to name every key in 'properties'"
    else:
        return
    code = "invalid_json_schema" if param == "response_format" else "invalid_function_parameters"
    raise bad(param, f"Invalid schema for {where}: {why}.", code)


def _told(call: dict[str, Any]) -> str:
    """The name of what is called, and what it is called with."""
    called = call.get("function") or call["custom"]
    return f"{called['name']} {called.get('arguments', called.get('input'))}"


def prompt_of(messages: list[dict[str, Any]]) -> tuple[str, int]:
    """The text that the model reads, and how many images it sees."""
    lines, images = [], 0
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            images += sum(part["type"] == "image_url" for part in content)
            content = "".join(part.get("text", part.get("refusal", "")) for part in content)
        calls = message.get("tool_calls") or []
        said = (content or "") + "".join(f" [{_told(c)}]" for c in calls)
        lines.append(f"{message['role']}:{said}")
    return "\n".join(lines), images


def last_text(messages: list[dict[str, Any]]) -> tuple[str, str]:
    """The role and the text of the last message."""
    content = messages[-1].get("content")
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content)
    return messages[-1]["role"], content or ""


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
