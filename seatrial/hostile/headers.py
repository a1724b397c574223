"""What a status line and headers can hold."""

from __future__ import annotations

from itertools import count

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer, dumped, good_body, without_end

_OK = b"HTTP/1.1 200 OK\r\n"


@behaviour("headers.endless", check=(1, "http.answered"), load=(1, r"http\.(malformed|too_large)"))
def endless(peer: Peer) -> None:
    """Headers without end."""
    peer.send(_OK)
    peer.forever(b"X-%d: %s\r\n" % (number, b"a" * 100) for number in count())


@behaviour("headers.endless-line", check=(1, "http.answered"), load=(1, r"http\.(malformed|too_large)"))
def endless_line(peer: Peer) -> None:
    """One header line without end."""
    peer.send(_OK + b"X-Long: ")
    peer.forever(without_end(b"a" * 65536))


@behaviour("headers.endless-status-line", check=(1, "http.answered"), load=(1, r"http\.(malformed|too_large)"))
def endless_status_line(peer: Peer) -> None:
    """A reason phrase without end."""
    peer.send(b"HTTP/1.1 200 ")
    peer.forever(without_end(b"OK" * 32768))


@behaviour("headers.thousand", check=(0, "PASSED"), load=(0, "3 ok"))
def thousand(peer: Peer) -> None:
    """A thousand headers of no meaning: odd, and allowed."""
    peer.state["extra"] = [f"X-{number}: a" for number in range(1000)]
    body = dumped(peer.document())
    if peer.streams:
        peer.good()
    else:
        peer.answer(body, *peer.state["extra"])


@behaviour("headers.bad-status-line", check=(1, "http.answered"), load=(1, r"http\.malformed"))
def bad_status_line(peer: Peer) -> None:
    """A status that is no number."""
    peer.send(b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\n{}")


@behaviour("headers.none", check=(1, "http.answered"), load=(1, r"http\.malformed"))
def none(peer: Peer) -> None:
    """A body without status line and headers, as HTTP/0.9 had it."""
    peer.send(dumped(peer.document()))
    peer.close()


@behaviour("headers.status-999", check=(1, "MUST"), load=(1, r"http\.999"))
def status_999(peer: Peer) -> None:
    """A status that no class has."""
    peer.answer(dumped(peer.document()), status="999 Strange")


@behaviour("headers.status-zero", check=(1, "http.answered"), load=(1, r"http\.(malformed|0)"))
def status_zero(peer: Peer) -> None:
    """A status of one digit."""
    peer.answer(b"{}", status="0 Nothing")


@behaviour("headers.nul", check=(1, "http.answered"), load=(1, r"http\.malformed"))
def nul(peer: Peer) -> None:
    """A NUL within a header's value."""
    peer.answer(dumped(peer.document()), "X-Request-Id: a\0b")


@behaviour("headers.without-colon", check=(1, "http.answered"), load=(1, r"http\.malformed"))
def without_colon(peer: Peer) -> None:
    """A header line without a colon."""
    peer.answer(dumped(peer.document()), "this is no header")


@behaviour("headers.space-in-name", check=(1, "http.answered"), load=(1, r"http\.malformed"))
def space_in_name(peer: Peer) -> None:
    """A space before the colon, by which requests are smuggled."""
    peer.answer(dumped(peer.document()), "Content-Length : 1")


@behaviour("headers.folded", check=(0, "PASSED"), load=(0, "3 ok"))
def folded(peer: Peer) -> None:
    """A value that goes on in the next line, as was allowed once."""
    if peer.streams:
        peer.good()
    else:
        peer.answer(dumped(peer.document()), "X-Folded: one\r\n two")


@behaviour("headers.bare-lf", check=(0, "PASSED"), load=(1, r"http\.malformed"))
def bare_lf(peer: Peer) -> None:
    """Header lines end with LF alone."""
    body, media = good_body(peer)
    peer.send(b"HTTP/1.1 200 OK\nContent-Type: %s\nContent-Length: %d\n\n%s" % (media.encode(), len(body), body))


@behaviour("headers.ansi", check=(0, "PASSED"), load=(0, "3 ok"))
def ansi(peer: Peer) -> None:
    """Escapes that would act on a terminal, and bytes beyond ASCII, in a header's value."""
    lines = ["X-Request-Id: \u00e4\u2028\x1b[31mred\x1b[0m\x07", "Server: \udcff\udcfe"]
    if peer.streams:
        peer.good()
    else:
        peer.answer(dumped(peer.document()), *lines)


@behaviour("headers.http-1.0", check=(0, "PASSED"), load=(0, "3 ok"))
def http_1_0(peer: Peer) -> None:
    """HTTP/1.0, its body ended by the connection's end."""
    if peer.streams:
        peer.good()
    else:
        peer.send(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + dumped(peer.document()))
        peer.close()


@behaviour("headers.http-2", check=(1, "http.answered"), load=(1, r"http\.malformed"))
def http_2(peer: Peer) -> None:
    """Frames of HTTP/2, for which nobody asked."""
    peer.send(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18)
    peer.wait(1)


@behaviour("headers.http-9.9", check=(1, "http.answered"), load=(1, r"http\.malformed"))
def http_9_9(peer: Peer) -> None:
    """A version of HTTP that there is not."""
    body, media = good_body(peer)
    head = b"HTTP/9.9 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (media.encode(), len(body))
    peer.send(head + body)


@behaviour("headers.informational", check=(0, "PASSED"), load=(0, "3 ok"))
def informational(peer: Peer) -> None:
    """100, 102 and 103 come before a good answer."""
    peer.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
    peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n")
    peer.good()


@behaviour("headers.informational-endless", check=(1, "http.answered"), load=(1, "timeout|too_large"))
def informational_endless(peer: Peer) -> None:
    """100 Continue without end."""
    peer.forever(without_end(b"HTTP/1.1 100 Continue\r\n\r\n" * 20))


@behaviour("headers.switching-protocols", check=(1, "MUST"), load=(1, r"http\.(malformed|101)"))
def switching_protocols(peer: Peer) -> None:
    """101 Switching Protocols, and what follows is no HTTP."""
    peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi")
    peer.wait(1)


@behaviour("headers.two-media-types", "plain", (1, "MUST"), None)
def two_media_types(peer: Peer) -> None:
    """Content-Type twice, and not the same."""
    peer.answer(dumped(peer.document()), "Content-Type: text/html")


@behaviour("headers.no-media-type", "plain", (1, "MUST"), None)
def no_media_type(peer: Peer) -> None:
    """No Content-Type."""
    peer.answer(dumped(peer.document()), media="")
