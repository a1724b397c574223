"""What a load profile asks: the request of a scenario's step, as bytes for one target and one prompt."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from seatrial import __version__, files, form, home
from seatrial.load.address import Address
from seatrial.load.options import Options
from seatrial.model import Invalid


@dataclass(frozen=True, slots=True)
class Ask:
    """One kind of request: which scenario's step it is (`scenario` or `scenario/step`) and how its answer is read."""

    name: str
    step: str
    dialect: str
    weight: int = 1
    sibling: str | None = None
    """Another last segment of the base URL's path: `queue` for the blocking queue routes."""
    path: str | None = None
    """Another path than the operation's."""


@dataclass(frozen=True, slots=True)
class Template:
    """The step's request before a prompt is put in."""

    method: str
    path: str
    body: dict[str, Any]
    form: dict[str, Any] | None = None


def _block(path: Path, section: str, name: str) -> Any:
    """The entry `name` of a file's section. Reads no more of the file than that entry: start-up counts."""
    text = path.read_text("utf-8")
    found = re.search(rf"^{section}:\n(?:.*\n)*?(  {re.escape(name)}:(?:.*\n)(?:(?:   .*)?\n)*)", text + "\n", re.M)
    return None if found is None else files.trusted(found[1])[name]


def _step(step: str, paths: list[Path]) -> tuple[dict[str, Any], dict[str, Any]]:
    scenario, _, id = step.partition("/")
    row = next((row for path in paths if (row := _block(path, "scenarios", scenario))), None)
    if row is None:
        raise Invalid("scenario", "", f"there is no scenario {scenario!r}")
    found = next((one for one in row["steps"] if not id or one["id"] == id), None)
    if found is None:
        raise Invalid("scenario", "", f"the scenario {scenario} has no step {id!r}")
    return row, found


def operation(step: str) -> tuple[str, dict[str, Any]]:
    """The operation that the step calls, as its file has it. Raises Invalid where there is none."""
    paths = sorted(home.folder("scenarios").glob("*.yaml"))
    name = _step(step, paths)[1]["operation"]
    row = next((row for path in paths if (row := _block(path, "operations", name))), None)
    if row is None:
        raise Invalid("scenario", "", f"there is no operation {name!r}")
    return name, row


@cache
def template(step: str) -> Template:
    """The request of that step. Raises Invalid where there is none."""
    row, found = _step(step, sorted(home.folder("scenarios").glob("*.yaml")))
    method, _, route = operation(step)[1]["call"].partition(" ")
    inputs: dict[str, Any] = next(iter(row.get("inputs", {}).values()), {})
    multipart = _filled(found["form"], inputs) if "form" in found else None
    return Template(method, route, _filled(found.get("body", {}), inputs), multipart)


def _filled(value: Any, inputs: dict[str, Any]) -> Any:
    if isinstance(value, str) and value.startswith("$inputs."):
        return copy.deepcopy(inputs[value.removeprefix("$inputs.")])
    if isinstance(value, dict):
        return {key: _filled(item, inputs) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, inputs) for item in value]
    return value


class Writer:
    """Writes requests of one ask for one target."""

    def __init__(self, ask: Ask, address: Address, model: str, key: str | None, options: Options) -> None:
        self.ask = ask
        self._template = template(ask.step)
        self._extra = extra = options.extra
        taken = {name for name, value in extra.items() if value is None}
        self._body = {name: value for name, value in (self._template.body | extra).items() if name not in taken}
        self._model = model
        place = address.sibling(ask.sibling) if ask.sibling else address
        path = place.path.rstrip("/") + (ask.path or self._template.path)
        head = [f"{self._template.method} {path} HTTP/1.1", f"Host: {address.authority}"]
        head += ["Accept: */*", "Accept-Encoding: identity", f"User-Agent: seatrial/{__version__}"]
        if key:
            head.append(f"Authorization: Bearer {key}")
        if options.no_reuse:
            head.append("Connection: close")
        self._head = "\r\n".join(head).encode("latin-1") + b"\r\n"
        self._multipart = b""
        if self._template.form is not None:
            if extra:
                raise Invalid("--extra-body", "", f"{ask.name} sends a form, not JSON")
            self._multipart = form.encode({**self._template.form, "model": model})

    @property
    def streamed(self) -> bool:
        """Whether the request asks for a stream."""
        return bool(self._template.body.get("stream"))

    def body(
        self, messages: list[dict[str, Any]] | str | None = None, output_tokens: int | None = None
    ) -> dict[str, Any]:
        """The request's object with this prompt and this length of output."""
        body = dict(self._body)
        body["model"] = self._model
        if messages is not None:
            text = messages if isinstance(messages, str) else str(messages[-1]["content"])
            if "messages" in body:
                body["messages"] = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
            elif "prompt" in body:
                body["prompt"] = text
            elif "input" in body:
                body["input"] = text
        if output_tokens is not None:
            name = next((n for n in ("max_completion_tokens", "max_tokens", "max_output_tokens") if n in body), None)
            if name is not None and name not in self._extra:
                body[name] = output_tokens
        return body

    def write(self, body: dict[str, Any], headers: str = "") -> bytes:
        """The whole request. `headers` are further lines, each with its CRLF."""
        if self._template.form is not None:
            data, media = self._multipart, form.MEDIA
        else:
            data, media = orjson.dumps(body), "application/json"
        more = f"{headers}Content-Type: {media}\r\nContent-Length: {len(data)}\r\n\r\n"
        return self._head + more.encode("latin-1") + data


def get(address: Address, path: str, key: str | None, method: str = "GET", headers: str = "") -> bytes:
    """A request without a body. `path` is whole."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {address.authority}", "Accept: */*", "Accept-Encoding: identity"]
    lines.append(f"User-Agent: seatrial/{__version__}")
    if key:
        lines.append(f"Authorization: Bearer {key}")
    return ("\r\n".join(lines) + "\r\n" + headers + "\r\n").encode("latin-1")
