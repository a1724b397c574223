"""Gives the key back in every place where it could be written down."""

from __future__ import annotations

import base64
from urllib.parse import quote

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer, dumped, error, event, good_events, piece


def _spelled(key: str) -> list[str]:
    """The key as it is and as encoders write it."""
    return [key, quote(key, safe=""), base64.b64encode(f"user:{key}".encode()).decode(), f"Bearer {key}"]


@behaviour("echo.body", "plain", (0, "."), (0, "."))
def body(peer: Peer) -> None:
    """In the answer's text and in members of its own."""
    document = peer.document()
    if "choices" in document:
        document["choices"][0]["message"]["content"] = f"You sent {peer.key}."
    peer.answer(dumped({**document, "x_echo": _spelled(peer.key)}))


@behaviour("echo.headers", check=(0, "."), load=(0, "."))
def headers(peer: Peer) -> None:
    """In headers of the answer."""
    if peer.streams:
        peer.open_stream(f"X-Request-Id: {peer.key}", f"Set-Cookie: key={quote(peer.key, safe='')}")
        peer.send(*good_events())
        peer.close()
    peer.answer(dumped(peer.document()), f"X-Request-Id: {peer.key}", f"Server: Bearer {peer.key}")


@behaviour("echo.reason", check=(1, "MUST"), load=(1, r"http\.500"))
def reason(peer: Peer) -> None:
    """In the reason phrase of the status line."""
    peer.answer(dumped(error("boom")), status=f"500 Bad key {peer.key}")


@behaviour("echo.error", check=(1, "MUST"), load=(1, r"http\.401"))
def message(peer: Peer) -> None:
    """In an error's message, as services did."""
    text = f"Incorrect API key provided: {peer.key}. " + " ".join(_spelled(peer.key))
    peer.answer(dumped(error(text, peer.key, peer.key)), status="401 Unauthorized")


@behaviour("echo.error-at-once", "every", (3, "was refused"), (3, "refused"))
def message_at_once(peer: Peer) -> None:
    """In the error with which GET /models is answered."""
    peer.answer(dumped(error(f"Incorrect API key provided: {peer.key}")), status="401 Unauthorized")


@behaviour("echo.page", check=(1, "MUST"), load=(1, r"http\.500"))
def page(peer: Peer) -> None:
    """In a page that is a stack trace, headers and all."""
    lines = "".join(f"<li>{name}: {value}</li>" for name, value in peer.headers.items())
    peer.answer(f"<html><h1>Error</h1>{lines}</html>".encode(), status="500 Internal Server Error", media="text/html")


@behaviour("echo.garbage", check=(1, "MUST"), load=(1, r"stream\."))
def garbage(peer: Peer) -> None:
    """In a body that is no JSON, and in an event that is none."""
    if peer.streams:
        peer.events(good_events()[0], event(b"key " + peer.key.encode()), *good_events()[1:])
    else:
        peer.answer(b"key " + peer.key.encode())


@behaviour("echo.malformed", check=(1, "MUST|http"), load=(1, r"http\."))
def malformed(peer: Peer) -> None:
    """Where the status line should be."""
    peer.send(peer.key.encode() + b" " + peer.key.encode() + b"\r\n\r\n")
    peer.close()


@behaviour("echo.ids", check=(0, "."), load=(0, "."))
def ids(peer: Peer) -> None:
    """As the id and the model of the answer."""
    if peer.streams:
        rows = [piece("a"), piece(None, "stop")]
        peer.events(*(event(dumped({**row, "id": peer.key, "model": peer.key})) for row in rows), event(b"[DONE]"))
    else:
        peer.answer(dumped({**peer.document(), "id": peer.key, "model": peer.key}))


@behaviour("echo.stream", "stream", (0, "."), (0, "."))
def stream(peer: Peer) -> None:
    """In an event of a stream."""
    peer.events(*good_events(f"You sent {peer.key}.", *_spelled(peer.key)))


@behaviour("echo.pieces", "stream", (0, "."), (0, "."))
def pieces(peer: Peer) -> None:
    """In pieces of three letters, an event each: whoever joins them has the key."""
    peer.events(*good_events(*(peer.key[at : at + 3] for at in range(0, len(peer.key), 3))))


@behaviour("echo.letters", "stream", (0, "."), (0, "."))
def letters(peer: Peer) -> None:
    """In single letters, an event each, as reasoning and as an answer."""
    rows = good_events(*peer.key)
    thought = [event(dumped({**piece(None), "choices": [_thought(letter)]})) for letter in peer.key]
    peer.events(rows[0], *thought, *rows[1:])


def _thought(letter: str) -> dict[str, object]:
    return {"index": 0, "delta": {"reasoning_content": letter}, "logprobs": None, "finish_reason": None}


@behaviour("echo.models", "models", (1, "."), (0, "."))
def models(peer: Peer) -> None:
    """As the id of a model in the list, and as its owner."""
    row = {"id": "hostile-chat", "object": "model", "created": 1, "owned_by": peer.key}
    peer.answer(dumped({"object": "list", "data": [row, {**row, "id": peer.key}]}))
