"""Defects of marks that a model writes for its server, and the server leaves in what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seatrial.server.plant import Json, Plant
from seatrial.server.plants.shape import CHAT, choices, defect, result


def _template(name: str, mark: str, source: str) -> Plant:
    """The answer holds that mark of the template."""
    return defect(
        f"chat.no-template-marks/{name}",
        "chat",
        f"the answer holds {mark}",
        "chat.no-template-marks",
        level="SHOULD",
        source=source,
        text=lambda asked, text: f"{mark}{text}" if name == "channel" else f"{text}{mark}",
    )


def _unread(written: str) -> Callable[[Json], Any]:
    """A choice whose first call stands in its text, written so, and is not told."""

    def change(choice: Json) -> None:
        message = choice["message"]
        for call in (message.pop("tool_calls", None) or ())[:1]:
            message["content"] = written % call["function"]
            choice["finish_reason"] = "stop"

    return change


def _call(name: str, written: str, source: str) -> Plant:
    """Calls of chat that are not streamed stand in the text in that markup."""
    return defect(
        f"tools.no-markup/{name}",
        "tools",
        f"the markup of {name} stays in the content",
        "tools.no-markup",
        "tools.named-called",
        "chat.no-template-marks",
        "stream.equals-plain",
        source=source,
        result=result(choices(_unread(written)), CHAT),
    )


PLANTS = (
    _template("llama", "<|eot_id|>", "vllm-project/vllm#4260"),
    _template("gemma", "<end_of_turn>", "vllm-project/vllm#4260"),
    _template("channel", "<|channel|>final<|message|>", "kekzl/imp#768"),
    _call("mistral", '[TOOL_CALLS][{"name": "%(name)s", "arguments": %(arguments)s}]', "NVIDIA/TensorRT-LLM#9784"),
    _call(
        "glm",
        "<tool_call>%(name)s\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n</tool_call>",
        "getsigit/sigit#85",
    ),
    _call(
        "harmony",
        "<|channel|>commentary to=functions.%(name)s <|constrain|>json<|message|>%(arguments)s<|call|>",
        "NVIDIA/TensorRT-LLM#9256",
    ),
    _call("gemma", '<|tool_call>call:%(name)s{city:<|"|>Oslo<|"|>}<tool_call|>', "Blaizzy/mlx-vlm#900"),
)
