"""Strict validation: one fault, one 400 that names the parameter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from seatrial.server.refuse import Refused, bad

Rule = Callable[[str, Any], None]


def number(low: float | None, high: float | None, whole: bool = False) -> Rule:
    """A number within bounds, or null."""

    def rule(name: str, value: Any) -> None:
        if value is None:
            return
        kind = "an integer" if whole else "a number"
        if isinstance(value, bool) or not isinstance(value, (int, float)) or (whole and value != int(value)):
            raise bad(name, f"Invalid type for '{name}': expected {kind}.", "invalid_type")
        if low is not None and value < low:
            raise bad(
                name,
                f"Invalid '{name}': expected at least {low:g}, got {value:g}.",
                "integer_below_min_value" if whole else "decimal_below_min_value",
            )
        if high is not None and value > high:
            raise bad(
                name,
                f"Invalid '{name}': expected at most {high:g}, got {value:g}.",
                "integer_above_max_value" if whole else "decimal_above_max_value",
            )

    return rule


def boolean(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, bool):
        raise bad(name, f"Invalid type for '{name}': expected a boolean.", "invalid_type")


def text(longest: int | None = None) -> Rule:
    """A string of at most so many characters, or null."""

    def rule(name: str, value: Any) -> None:
        if value is None:
            return
        if not isinstance(value, str):
            raise bad(name, f"Invalid type for '{name}': expected a string.", "invalid_type")
        if longest is not None and len(value) > longest:
            raise bad(
                name, f"Invalid '{name}': string too long, at most {longest} characters.", "string_above_max_length"
            )

    return rule


def one_of(*values: str) -> Rule:
    """One of these strings, or null."""

    def rule(name: str, value: Any) -> None:
        if value is not None and (not isinstance(value, str) or value not in values):
            raise bad(name, f"Invalid value for '{name}': expected one of {', '.join(values)}.", "invalid_value")

    return rule


def stop(name: str, value: Any) -> None:
    items = [value] if isinstance(value, str) or value is None else value
    if not isinstance(items, list) or not all(
        isinstance(item, str) or (item is None and value is None) for item in items
    ):
        raise bad(name, "Invalid type for 'stop': expected a string or an array of strings.", "invalid_type")
    if isinstance(value, list) and not 1 <= len(value) <= 4:
        raise bad(name, "Invalid 'stop': expected 1 to 4 sequences.", "array_above_max_length")


def logit_bias(name: str, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, dict):
        raise bad(name, "Invalid type for 'logit_bias': expected an object.", "invalid_type")
    for key, bias in value.items():
        if (
            not re.fullmatch(r"\d+", key)
            or isinstance(bias, bool)
            or not isinstance(bias, int)
            or not -100 <= bias <= 100
        ):
            raise bad(name, "Invalid 'logit_bias': expected token ids with values from -100 to 100.", "invalid_value")


def metadata(name: str, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise bad(name, "Invalid type for 'metadata': expected an object of strings.", "invalid_type")
    if len(value) > 16 or any(len(k) > 64 or len(v) > 512 for k, v in value.items()):
        raise bad(
            name, "Invalid 'metadata': at most 16 pairs, keys of 64 and values of 512 characters.", "invalid_value"
        )


def object_or_null(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, dict):
        raise bad(name, f"Invalid type for '{name}': expected an object.", "invalid_type")


def stream_options(name: str, value: Any) -> None:
    object_or_null(name, value)
    for key, item in (value or {}).items():
        if key not in ("include_usage", "include_obfuscation"):
            raise bad(f"{name}.{key}", f"Unknown parameter: '{name}.{key}'.", "unknown_parameter")
        if not isinstance(item, bool):
            raise bad(f"{name}.{key}", f"Invalid type for '{name}.{key}': expected a boolean.", "invalid_type")


def array_of(*values: str) -> Rule:
    """A list of these strings, or null."""

    def rule(name: str, value: Any) -> None:
        if value is not None and (
            not isinstance(value, list) or not value or not all(item in values for item in value)
        ):
            raise bad(name, f"Invalid '{name}': expected an array of {', '.join(values)}.", "invalid_value")

    return rule


SAMPLING: Mapping[str, Rule] = {
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "n": number(1, 128, whole=True),
    "presence_penalty": number(-2, 2),
    "frequency_penalty": number(-2, 2),
    "stop": stop,
    "logit_bias": logit_bias,
    "seed": number(-(2**63), 2**63 - 1, whole=True),
    "stream": boolean,
    "stream_options": stream_options,
    "user": text(),
}


def members(body: Mapping[str, Any], rules: Mapping[str, Rule], known: set[str]) -> None:
    """Raises Refused at the first member that breaks its rule or is not known."""
    for name, value in body.items():
        if name not in known and name not in rules:
            raise bad(name, f"Unknown parameter: '{name}'.", "unknown_parameter")
        if name in rules:
            rules[name](name, value)


def required(body: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if body.get(name) is None:
            raise bad(name, f"Missing required parameter: '{name}'.", "missing_required_parameter")


def streaming(body: Mapping[str, Any]) -> None:
    """stream_options goes with stream: true only."""
    if body.get("stream_options") is not None and body.get("stream") is not True:
        raise bad(
            "stream_options",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "invalid_value",
        )


def model(body: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """The model asked for. Raises Refused: 400 where it is no name, 404 where it is not known."""
    required(body, "model")
    name = body["model"]
    if not isinstance(name, str):
        raise bad("model", "Invalid type for 'model': expected a string.", "invalid_type")
    if name not in known:
        raise Refused(
            404, f"The model '{name}' does not exist or you do not have access to it.", "model", "model_not_found"
        )
    return name
