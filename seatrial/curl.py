"""The curl command that repeats a recorded request, with the key as a shell variable."""

from __future__ import annotations

import base64
import re
import shlex

from seatrial.model import REDACTED, Exchange
from seatrial.summary import visible

MOST = 20_000
# Sent by the client on its own account: curl's own serve as well.
_OURS = ("user-agent", "accept", "accept-encoding", "host", "content-length", "connection")


def line(exchange: Exchange, breaks: bool = False) -> str:
    """The command, on one line or with an option a line. A body that no shell takes is piped in or left to a file."""
    request = exchange.request
    body, pipe, note = _body(exchange)
    options = [word for word, wanted in _switches(exchange) if wanted]
    parts = [" ".join(["curl", *options, _word(request.url)])]
    names = {name.lower() for name, _ in request.headers}
    for name, value in request.headers:
        if name.lower() not in _OURS or (name.lower() == "accept" and value != "*/*"):
            # curl drops a header written `name:`, and sends an empty one written `name;`.
            parts.append("-H " + _word(f"{name}: {value}" if value else f"{name};"))
    if request.body and "content-type" not in names:
        parts.append("-H content-type:")
    parts += [body] if body else []
    return note + pipe + (" \\\n  " if breaks else " ").join(parts)


def _switches(exchange: Exchange) -> list[tuple[str, bool]]:
    request = exchange.request
    usual = "POST" if request.body else "GET"
    return [
        ("-sS", True),
        ("-i", request.method != "HEAD"),
        ("--head", request.method == "HEAD"),
        ("-N", exchange.asked_to_stream),
        ("--compressed", bool(exchange.header("content-encoding"))),
        ("--path-as-is", "/." in request.url),
        ("--globoff", any(mark in request.url for mark in "[]{}")),
        (f"-X {shlex.quote(request.method)}", request.method not in (usual, "HEAD")),
    ]


def _body(exchange: Exchange) -> tuple[str, str, str]:
    """The option that sends the body, what is piped into curl, and a comment to go before."""
    data = exchange.request.body
    if not data:
        return "", "", ""
    if len(data) > MOST:
        name = f"exchange-{exchange.number}.body"
        return f"--data-binary @{name}", "", f"# {name}: the {len(data):,} bytes sent, in run.jsonl\n"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if _plain(text):
        return "--data-raw " + shlex.quote(text), "", ""
    return "--data-binary @-", f"printf %s {base64.b64encode(data).decode('ascii')} | base64 -d | ", ""


def _plain(text: str) -> bool:
    return visible(text) == text


def _word(text: str) -> str:
    """One shell word; the key's place is expanded by the shell, and nothing else is."""
    if REDACTED in text and re.fullmatch(r"[A-Za-z0-9 :/._=-]*", text.replace(REDACTED, "")):
        return f'"{text}"'
    return f'"{REDACTED}"'.join(_quoted(part) for part in text.split(REDACTED))


def _quoted(text: str) -> str:
    if text == "" or _plain(text):
        return shlex.quote(text)
    # Control characters could act on the terminal that they are pasted into.
    return "$'" + "".join(char if char.isprintable() and char not in "\\'" else _bytes(char) for char in text) + "'"


def _bytes(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
