"""What a connection can do: not come about, say nothing, drip, or break at any moment."""

from __future__ import annotations

import contextlib
import socket

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer, dumped, good_events


@behaviour("connection.never-accepts", "never", (3, "connect|timeout"), (3, r"connect"))
def never_accepts(peer: Peer) -> None:
    """The port is open and its queue full: no handshake is ever completed."""
    peer.socket.listen(0)
    taken = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            one.connect(("127.0.0.1", peer.state["port"]))
        taken.append(one)
    peer.state["taken"] = taken


@behaviour("connection.refused", "never", (3, "connect: .*refused"), (3, r"connect\.refused"))
def refused(peer: Peer) -> None:
    """Nobody listens on the port."""
    peer.socket.close()


@behaviour("connection.silent-at-once", "every", (3, "timeout: "), (3, r"timeout"))
def silent_at_once(peer: Peer) -> None:
    """Takes every request and never answers."""
    peer.wait()


@behaviour("connection.silent", check=(1, "http.answered"), load=(1, r"timeout\.first_token"))
def silent(peer: Peer) -> None:
    """Takes a POST and never answers."""
    peer.wait()


@behaviour("connection.reads-nothing", "accept", (3, "timeout"), (3, "timeout"))
def reads_nothing(peer: Peer) -> None:
    """Accepts, and neither reads nor writes."""
    peer.wait()


@behaviour("connection.drips-headers", check=(1, "http.answered"), load=(1, "timeout"))
def drips_headers(peer: Peer) -> None:
    """One byte of the headers a second."""
    peer.drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 1.0)


@behaviour("connection.drips-body", check=(1, "http.answered"), load=(1, "timeout"))
def drips_body(peer: Peer) -> None:
    """One byte of the body a second."""
    body = b"".join(good_events()) if peer.streams else dumped(peer.document())
    peer.head(f"Content-Length: {len(body)}", media="text/event-stream" if peer.streams else "application/json")
    peer.drip(body, 1.0)


@behaviour("connection.speaks-first", "accept", (3, "protocol|reset"), (3, r"http\.malformed|connection"))
def speaks_first(peer: Peer) -> None:
    """Another protocol's greeting comes before the request is read."""
    peer.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    peer.wait(2)


@behaviour("connection.reset-at-once", "accept", (3, "reset|protocol"), (3, r"connect"))
def reset_at_once(peer: Peer) -> None:
    """Every connection is reset as it is accepted."""
    peer.reset()


@behaviour("connection.reset-before-answer", check=(1, "http.answered"), load=(1, r"connection\."))
def reset_before_answer(peer: Peer) -> None:
    """Reset in place of an answer."""
    peer.reset()


@behaviour("connection.reset-in-status-line", check=(1, "http.answered"), load=(1, r"connection\."))
def reset_in_status_line(peer: Peer) -> None:
    """Reset inside the status line."""
    peer.send(b"HTTP/1.1 20")
    peer.wait(0.05)
    peer.reset()


@behaviour("connection.reset-in-headers", check=(1, "http.answered"), load=(1, r"connection\."))
def reset_in_headers(peer: Peer) -> None:
    """Reset inside the headers."""
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: appli")
    peer.wait(0.05)
    peer.reset()


@behaviour("connection.reset-in-body", check=(1, "http.answered"), load=(1, r"connection\."))
def reset_in_body(peer: Peer) -> None:
    """Reset in the middle of the body."""
    peer.head("Content-Length: 4000")
    peer.send(b'{"id":"chatcmpl-1",')
    peer.wait(0.05)
    peer.reset()


@behaviour("connection.reset-in-stream", "stream", (1, "http.answered"), (1, r"connection\."))
def reset_in_stream(peer: Peer) -> None:
    """Reset between two events."""
    peer.open_stream()
    peer.send(*good_events()[:2])
    peer.wait(0.05)
    peer.reset()


@behaviour("connection.reset-after-done", "stream", (0, "PASSED"), (0, "3 ok"))
def reset_after_done(peer: Peer) -> None:
    """A chunked stream is whole, and the connection is reset after it: nothing is lost."""
    peer.events(*good_events())
    peer.wait(0.2)
    peer.reset()


@behaviour("connection.closed-unanswered", check=(1, "http.answered"), load=(1, r"connection\.closed"))
def closed_unanswered(peer: Peer) -> None:
    """Closed in place of an answer."""
    peer.close()


@behaviour("connection.closed-in-headers", check=(1, "http.answered"), load=(1, r"connection\."))
def closed_in_headers(peer: Peer) -> None:
    """Closed inside the headers."""
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    peer.close()


@behaviour("connection.half-close", check=(1, "http.answered"), load=(1, r"connection\.closed"))
def half_close(peer: Peer) -> None:
    """Its sending side is shut without an answer, and its reading side stays open."""
    peer.half_close()
    peer.wait()


@behaviour("connection.half-close-in-stream", "stream", (1, "http.answered|stream"), (1, r"stream\.unterminated"))
def half_close_in_stream(peer: Peer) -> None:
    """Its sending side is shut in the middle of a stream that ends with the connection."""
    peer.open_stream()
    peer.send(*good_events()[:2])
    peer.half_close()
    peer.wait()


@behaviour("connection.keep-alive-closed", check=(0, "PASSED"), load=(0, "3 ok"))
def keep_alive_closed(peer: Peer) -> None:
    """A good answer, and the connection is closed as the next request comes: the client asks again, which is its right."""
    if peer.number > 1:
        peer.close()
    peer.good()


@behaviour("connection.keep-alive-reset", check=(0, "PASSED"), load=(0, "3 ok"))
def keep_alive_reset(peer: Peer) -> None:
    """A good answer, and the connection is reset as the next request comes."""
    if peer.number > 1:
        peer.reset()
    peer.good()


@behaviour("connection.keep-alive-silent", check=(1, "http.answered"), load=(1, "timeout"))
def keep_alive_silent(peer: Peer) -> None:
    """Only the first request of a connection is answered."""
    if peer.number > 1:
        peer.wait()
    peer.good()


@behaviour("connection.two-answers", check=(0, "PASSED"), load=(0, "3 ok"))
def two_answers(peer: Peer) -> None:
    """A second answer comes unasked: it must not be taken for the answer to the next request."""
    with peer.together():  # else it is a race which comes first, this or the next request
        peer.good()
        peer.answer(b'{"error":{"message":"stale","type":"x"}}', status="500 Internal Server Error")


@behaviour("connection.answers-early", "accept", (2, "no model"), (3, "no model|connection"))
def answers_early(peer: Peer) -> None:
    """An answer comes before the request is read, and the connection is closed."""
    peer.answer(b"{}", "Connection: close")
    peer.half_close()
    peer.wait(2)
