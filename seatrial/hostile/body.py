"""Bodies that are too large, that never end, or that are not there."""

from __future__ import annotations

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer, chunk, dumped, without_end

_SPACES = b" " * 65536
_LARGE = (1, "http.answered")
_TOO_LARGE = (1, r"body\.too_large|timeout")


@behaviour("body.gigabyte", "plain", _LARGE, _TOO_LARGE)
def gigabyte(peer: Peer) -> None:
    """A body of 1 GB, its length told."""
    peer.head(f"Content-Length: {1 << 30}")
    peer.forever(without_end(_SPACES))


@behaviour("body.endless", "plain", _LARGE, _TOO_LARGE)
def endless(peer: Peer) -> None:
    """A body without end, and without a length."""
    peer.head("Connection: close")
    peer.forever(without_end(_SPACES))


@behaviour("body.endless-chunked", "plain", _LARGE, _TOO_LARGE)
def endless_chunked(peer: Peer) -> None:
    """Chunks without end."""
    peer.head("Transfer-Encoding: chunked")
    peer.forever(without_end(chunk(_SPACES)))


@behaviour("body.endless-drip", "plain", _LARGE, (1, "timeout"))
def endless_drip(peer: Peer) -> None:
    """A byte now and then without end: never idle, never done."""
    peer.head("Transfer-Encoding: chunked")
    while True:
        peer.send(chunk(b" "))
        peer.wait(0.1)


@behaviour("body.endless-error", check=_LARGE, load=(1, r"body\.too_large|http\.500|timeout"))
def endless_error(peer: Peer) -> None:
    """An error's body without end."""
    peer.head("Connection: close", status="500 Internal Server Error")
    peer.forever(without_end(_SPACES))


@behaviour("body.endless-models", "models", (3, "too-large|timeout"), (3, r"too_large|timeout"))
def endless_models(peer: Peer) -> None:
    """A list of models without end."""
    peer.head("Connection: close")
    peer.send(b'{"object":"list","data":[')
    peer.forever(without_end(b'{"id":"m","object":"model","created":1,"owned_by":"o"},' * 500))


@behaviour("body.many-models", "models", (0, "MUST .* inconclusive"), (0, "3 ok"))
def many_models(peer: Peer) -> None:
    """Fifty thousand models are listed, the good one first."""
    rows = [{"id": "hostile-chat", "object": "model", "created": 1_760_000_000, "owned_by": "hostile"}]
    rows += [{**rows[0], "id": f"m-{number}"} for number in range(50_000)]
    peer.answer(dumped({"object": "list", "data": rows}))


@behaviour("body.line-of-5-mib", "plain", (0, "PASSED"), (0, "3 ok"))
def line_of_5_mib(peer: Peer) -> None:
    """One string of 5 MiB in a good answer: large, and allowed."""
    peer.answer(dumped({**peer.document(), "x_note": "a" * (5 << 20)}))


@behaviour("body.empty", check=(1, "MUST"), load=(1, r"stream\.not_streamed"))
def empty(peer: Peer) -> None:
    """200 and no body."""
    peer.answer(b"")


@behaviour("body.no-content", check=(1, "MUST"), load=(1, r"stream\.|http\."))
def no_content(peer: Peer) -> None:
    """204 No Content."""
    peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")


@behaviour("body.not-modified", check=(1, "MUST"), load=(1, r"http\.304"))
def not_modified(peer: Peer) -> None:
    """304 Not Modified, to a client that has nothing kept."""
    peer.send(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n")


@behaviour("body.reset-content-with-body", check=(1, "MUST"), load=(1, r"stream\.|http\."))
def reset_content_with_body(peer: Peer) -> None:
    """205 Reset Content, and a body nevertheless."""
    peer.answer(dumped(peer.document()), status="205 Reset Content")
