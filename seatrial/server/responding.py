"""What a request for a response asks, and the response that answers it: the chat model behind another form."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from seatrial.server import chat, items, messages, tokens
from seatrial.server import validate as v
from seatrial.server.plant import Json, Plants
from seatrial.server.refuse import Refused, bad

LOGPROBS = "message.output_text.logprobs"
INCLUDE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    LOGPROBS,
)


def _include(name: str, value: Any) -> None:
    if value is not None and (not isinstance(value, list) or not all(item in INCLUDE for item in value)):
        raise bad(name, f"Invalid value for 'include': expected an array of {', '.join(INCLUDE)}.", "invalid_value")


def _stream_options(name: str, value: Any) -> None:
    v.object_or_null(name, value)
    for key, item in (value or {}).items():
        if key != "include_obfuscation":
            raise bad(f"{name}.{key}", f"Unknown parameter: '{name}.{key}'.", "unknown_parameter")
        v.boolean(f"{name}.{key}", item)


def _conversation(name: str, value: Any) -> None:
    if value is not None and not isinstance(value.get("id") if isinstance(value, dict) else value, str):
        raise bad(name, "Invalid type for 'conversation': expected an id, or an object with one.", "invalid_type")


def _reasoning(name: str, value: Any) -> None:
    v.object_or_null(name, value)
    summaries = v.one_of("auto", "concise", "detailed")
    rules: dict[str, v.Rule] = {
        "effort": v.one_of(*chat.EFFORTS),
        "summary": summaries,
        "generate_summary": summaries,
        "context": v.one_of("auto", "current_turn", "all_turns"),
        "mode": v.text(),
    }
    for key, item in (value or {}).items():
        if key not in rules:
            raise bad(f"{name}.{key}", f"Unknown parameter: '{name}.{key}'.", "unknown_parameter")
        rules[key](f"{name}.{key}", item)


RULES: dict[str, v.Rule] = {
    "temperature": v.number(0, 2),
    "top_p": v.number(0, 1),
    "top_logprobs": v.number(0, 20, whole=True),
    "max_output_tokens": v.number(16, None, whole=True),
    "max_tool_calls": v.number(1, None, whole=True),
    "instructions": v.text(),
    "previous_response_id": v.text(),
    "conversation": _conversation,
    "include": _include,
    "reasoning": _reasoning,
    "truncation": v.one_of("auto", "disabled"),
    "metadata": v.metadata,
    "store": v.boolean,
    "background": v.boolean,
    "stream": v.boolean,
    "stream_options": _stream_options,
    "parallel_tool_calls": v.boolean,
    "user": v.text(),
    "safety_identifier": v.text(64),
    "prompt_cache_key": v.text(),
    "prompt_cache_retention": v.one_of("in_memory", "24h"),
    "service_tier": v.one_of("auto", "default", "flex", "scale", "priority", "fast", "ultrafast"),
}


def validate(body: Json, models: dict[str, Any]) -> None:
    """Raises Refused at the first fault of a request, but for its input and what it refers to."""
    model = v.model(body, models)
    if not models[model].get("chat"):
        raise bad("model", f"This model does not serve responses: '{model}'.", "model_not_supported")
    v.members(body, RULES, {"model", "input", "text", "tools", "tool_choice"})
    _reworded(body)
    v.streaming(body)
    if body.get("previous_response_id") is not None and body.get("conversation") is not None:
        raise bad("previous_response_id", "'previous_response_id' and 'conversation' exclude each other.")
    if body.get("background") is True and body.get("store") is False:
        raise bad("background", "A background response has to be stored.", "invalid_value")
    if body.get("input") is None and body.get("previous_response_id") is None and body.get("conversation") is None:
        raise bad("input", "Missing required parameter: 'input'.", "missing_required_parameter")


@contextlib.contextmanager
def _words(**table: str) -> Iterator[None]:
    """What chat completions refuse, in the names that these members have here."""
    try:
        yield
    except Refused as refused:
        error = dict(refused.envelope["error"])
        for name in ("message", "param"):
            for old, new in table.items():
                error[name] = error[name].replace(old.replace("__", "."), new)
        raise Refused(refused.status, error["message"], error["param"], error["code"]) from refused


def _reworded(body: Json) -> Json:
    """The members of a chat request that the tools and the format of the text become. Raises Refused."""
    made: Json = {}
    offered = body.get("tools")
    with _words(__function=""):
        rows: Any = offered
        if isinstance(offered, list):
            rows = [
                {"type": tool.get("type"), "function": {k: x for k, x in tool.items() if k != "type"}}
                if isinstance(tool, dict)
                else tool
                for tool in offered
            ]
            for row in rows:
                function = row["function"] if isinstance(row, dict) else {}
                if function.get("parameters", 0) is None:
                    del function["parameters"]
        choice = _choice(body.get("tool_choice"), bool(offered))
        messages.tools(rows, choice, body.get("parallel_tool_calls") if offered else None)
        made |= {"tools": rows or None, "tool_choice": choice}
        if offered and body.get("parallel_tool_calls") is not None:
            made["parallel_tool_calls"] = body["parallel_tool_calls"]
    text = body.get("text")
    v.object_or_null("text", text)
    for key in text or {}:
        if key not in ("format", "verbosity"):
            raise bad(f"text.{key}", f"Unknown parameter: 'text.{key}'.", "unknown_parameter")
    v.one_of("low", "medium", "high")("text.verbosity", (text or {}).get("verbosity"))
    wanted = (text or {}).get("format")
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        v.text()("text.format.description", wanted.get("description"))
        wanted = {"type": "json_schema", "json_schema": {k: x for k, x in wanted.items() if k != "type"}}
    with _words(response_format__json_schema="text.format", response_format="text.format"):
        messages.response_format(wanted)
    return {key: value for key, value in {**made, "response_format": wanted}.items() if value is not None}


def _choice(choice: Any, offered: bool) -> Any:
    if not offered and choice in ("none", "auto"):
        return None
    if isinstance(choice, dict) and choice.get("type") == "function":
        return {"type": "function", "function": {"name": choice.get("name")}}
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        rows = choice.get("tools")
        if isinstance(rows, list):
            rows = [{"type": "function", "function": row} for row in rows]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.get("mode"), "tools": rows}}
    return choice


@dataclass(slots=True)
class Made:
    """A response as it will be once it is done: its answer, its items, and the object."""

    body: Json
    answer: chat.Answer
    input: list[Json]
    whole: Json
    history: list[Json] = field(default_factory=list)

    def at(self, status: str) -> Json:
        """The object before it is done, in this status: without output and usage."""
        bare: Json = {"output": [], "usage": None, "completed_at": None, "incomplete_details": None}
        return {**self.whole, **bare, "status": status}


def chat_body(body: Json, context: list[Json]) -> Json:
    """The request as one for a chat completion. Raises Refused where it is longer than the model's context."""
    asked = items.as_messages(context)
    if body.get("instructions") is not None:
        asked.insert(0, {"role": "system", "content": body["instructions"]})
    made = {"model": body["model"], "messages": asked, "temperature": body.get("temperature")}
    made["max_completion_tokens"] = body.get("max_output_tokens")
    effort = (body.get("reasoning") or {}).get("effort")
    made |= {"reasoning_effort": effort, **_reworded(body)}
    if LOGPROBS in (body.get("include") or ()):
        made |= {"logprobs": True, "top_logprobs": body.get("top_logprobs") or 0}
    while tokens.count(messages.prompt_of(asked)[0]) > chat.CONTEXT:
        if body.get("truncation") != "auto" or len(asked) < 2:
            raise bad("input", f"Your input exceeds the context of {chat.CONTEXT} tokens.", "context_length_exceeded")
        del asked[0]
    return {key: value for key, value in made.items() if value is not None}


def make(body: Json, own: list[Json], history: list[Json], plants: Plants, created: int, effort: str | None) -> Made:
    """The response to a valid request; `own` are its items, `history` those before them."""
    context = [*history, *own]
    if not context:
        raise bad("input", "Invalid 'input': there is nothing to answer.", "empty_array")
    items.answered(context)
    asked = chat_body(body, context)
    answer = chat.answer(asked, plants, created, effort)
    choice = answer.choices[0]
    cut = choice.finish == "length"
    hidden = answer.usage["completion_tokens_details"]["reasoning_tokens"]
    output = _output(body, answer, hidden, cut)
    whole = {
        "id": "resp_" + secrets.token_hex(16),
        "object": "response",
        "created_at": created,
        "status": "incomplete" if cut else "completed",
        "background": body.get("background") is True,
        "completed_at": None if cut else created,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": _or(body.get("parallel_tool_calls"), True),
        "previous_response_id": body.get("previous_response_id"),
        "conversation": _named(body.get("conversation")),
        "reasoning": {"effort": None, "summary": None, **(body.get("reasoning") or {})},
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": "default",
        "store": _or(body.get("store"), True),
        "temperature": _or(body.get("temperature"), 1.0),
        "text": {"verbosity": "medium", **(body.get("text") or {})},
        "tool_choice": _or(body.get("tool_choice"), "auto"),
        "tools": [{"strict": True, "description": None, **tool} for tool in body.get("tools") or []],
        "top_logprobs": _or(body.get("top_logprobs"), 0),
        "top_p": _or(body.get("top_p"), 1.0),
        "truncation": _or(body.get("truncation"), "disabled"),
        "usage": usage(answer),
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }
    whole["text"].setdefault("format", {"type": "text"})
    return Made(body, answer, own, whole, history)


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _named(conversation: Any) -> Json | None:
    return {"id": conversation} if isinstance(conversation, str) else conversation and {"id": conversation["id"]}


def usage(answer: chat.Answer) -> Json:
    """The usage of an answer, in the names that it has here."""
    counted = answer.usage
    return {
        "input_tokens": counted["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": counted["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": counted["completion_tokens_details"]["reasoning_tokens"]},
        "total_tokens": counted["total_tokens"],
    }


def _output(body: Json, answer: chat.Answer, hidden: int, cut: bool) -> list[Json]:
    made: list[Json] = []
    if hidden:
        wanted = (body.get("reasoning") or {}).get("summary")
        summary = [{"type": "summary_text", "text": "Weighing what was asked."}] if wanted else []
        thought: Json = {"id": items.new_id("reasoning"), "type": "reasoning", "summary": summary}
        if "reasoning.encrypted_content" in (body.get("include") or ()):
            thought["encrypted_content"] = secrets.token_urlsafe(48)
        made.append(thought)
    choice = chat.plain(answer)["choices"][0]
    status = "incomplete" if cut else "completed"
    for place, call in enumerate(choice["message"].get("tool_calls") or ()):
        last = place == len(choice["message"]["tool_calls"]) - 1
        made.append(
            {
                "id": items.new_id("function_call"),
                "type": "function_call",
                "status": status if last else "completed",
                "call_id": call["id"],
                **call["function"],
            }
        )
    if choice["message"]["content"] is not None:
        logprobs = (choice["logprobs"] or {}).get("content") or []
        text = {"type": "output_text", "text": choice["message"]["content"], "annotations": [], "logprobs": logprobs}
        message = {"id": items.new_id("message"), "type": "message", "status": status, "role": "assistant"}
        made.append({**message, "content": [text]})
    return made
