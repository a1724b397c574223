"""Streams of events that never end, never begin, or are not what they say."""

from __future__ import annotations

import time

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer, dumped, event, good_events, piece, without_end

_LARGE = (1, "http.answered")


@behaviour("sse.endless", "stream", _LARGE, (1, r"timeout|body\.too_large"))
def endless(peer: Peer) -> None:
    """Good events without end."""
    peer.open_stream()
    peer.send(good_events()[0])
    peer.forever(without_end(event(dumped(piece("a"))) * 100))


@behaviour("sse.endless-slow", "stream", _LARGE, (1, r"timeout\.total"))
def endless_slow(peer: Peer) -> None:
    """An event five times a second without end."""
    peer.open_stream()
    while True:
        peer.send(event(dumped(piece("a"))))
        peer.wait(0.2)


@behaviour("sse.held-open", "stream", (1, "sse.closes"), (0, "3 ok"))
def held_open(peer: Peer) -> None:
    """A whole stream whose connection is held open after [DONE]."""
    peer.open_stream()
    peer.send(*good_events())
    peer.wait()


@behaviour("sse.held-open-chunked", "stream", (1, "sse.closes"), (0, "3 ok"))
def held_open_chunked(peer: Peer) -> None:
    """The same in chunks, whose last never comes."""
    peer.head("Transfer-Encoding: chunked", media="text/event-stream")
    peer.send(*(b"%x\r\n%s\r\n" % (len(one), one) for one in good_events()))
    peer.wait()


@behaviour("sse.endless-after-done", "stream", (1, "MUST"), (1, r"timeout\.total"))
def endless_after_done(peer: Peer) -> None:
    """Events go on without end after [DONE]."""
    peer.open_stream()
    peer.send(*good_events())
    while True:
        peer.send(event(dumped(piece("a"))))
        peer.wait(0.1)


@behaviour("sse.no-done", "stream", (1, "stream.done-sentinel"), (0, "3 ok"))
def no_done(peer: Peer) -> None:
    """Everything but [DONE]."""
    peer.events(*good_events()[:-1])


@behaviour("sse.no-finish", "stream", (1, "MUST"), (1, r"stream\.unterminated"))
def no_finish(peer: Peer) -> None:
    """Tokens, and the stream ends without a word."""
    peer.events(*good_events()[:-2])


@behaviour("sse.silent-inside", "stream", _LARGE, (1, r"timeout\.idle"))
def silent_inside(peer: Peer) -> None:
    """Two events, and silence."""
    peer.open_stream()
    peer.send(*good_events()[:2])
    peer.wait()


@behaviour("sse.line-without-end", "stream", _LARGE, (1, r"body\.too_large|timeout"))
def line_without_end(peer: Peer) -> None:
    """One line without end."""
    peer.open_stream()
    peer.send(b"data: ")
    peer.forever(without_end(b"a" * 65536))


@behaviour("sse.event-without-end", "stream", _LARGE, (1, r"body\.too_large|timeout"))
def event_without_end(peer: Peer) -> None:
    """Data lines of one event without end: its blank line never comes."""
    peer.open_stream()
    peer.forever(without_end(b"data: aaaaaaaaaaaaaaaa\n" * 4000))


@behaviour("sse.comments", "stream", _LARGE, (1, r"timeout"))
def comments(peer: Peer) -> None:
    """Comments that keep the stream alive, and no event."""
    peer.open_stream()
    while True:
        peer.send(b": still here\n\n")
        peer.wait(0.1)


@behaviour("sse.comments-flood", "stream", _LARGE, (1, r"timeout|too_large"))
def comments_flood(peer: Peer) -> None:
    """Comments as fast as they go, and no event."""
    peer.open_stream()
    peer.forever(without_end(b": still here\n\n" * 4000))


@behaviour("sse.event-of-5-mib", "stream", (0, "PASSED"), (0, "3 ok"))
def event_of_5_mib(peer: Peer) -> None:
    """One token of 5 MiB: large, and allowed."""
    peer.events(*good_events("a" * (5 << 20)))


@behaviour("sse.million-events", "stream", _LARGE, (1, r"timeout|too_large|unterminated"))
def million_events(peer: Peer) -> None:
    """A million events without a token."""
    peer.open_stream()
    many = event(b'{"choices":[]}') * 1000
    peer.send(*([many] * 1000))
    peer.close()


@behaviour("sse.byte-at-a-time", "stream", (0, "PASSED"), (0, "3 ok"))
def byte_at_a_time(peer: Peer) -> None:
    """A good stream, each byte in a write of its own."""
    whole = b"".join(good_events("\u00e9\U0001f600"))
    peer.open_stream()
    for index in range(len(whole)):
        peer.send(whole[index : index + 1])
        time.sleep(0.0002)
    peer.close()


@behaviour("sse.line-ends", "stream", (0, "PASSED"), (0, "3 ok"))
def line_ends(peer: Peer) -> None:
    """CR, LF and CRLF from line to line: allowed."""
    ends = (b"\r\n", b"\r", b"\n")
    rows = [one.replace(b"\n", ends[index % 3]) for index, one in enumerate(good_events())]
    peer.events(b"".join(rows))


@behaviour("sse.byte-order-mark", "stream", (0, "PASSED"), (0, "3 ok"))
def byte_order_mark(peer: Peer) -> None:
    """A byte order mark before the stream: allowed, and dropped."""
    peer.events(b"\xef\xbb\xbf", *good_events())


@behaviour("sse.many-fields", "stream", (0, "PASSED"), (0, "3 ok"))
def many_fields(peer: Peer) -> None:
    """Fields of no meaning, ids with NUL, and a retry of 10^30 ms."""
    peer.events(b"retry: " + b"9" * 30 + b"\n", b"id: a\0b\n", b"strange: 1\n", b"nothing\n", *good_events())


@behaviour("sse.nul", "stream", (1, "MUST"), (1, r"stream\.garbage"))
def nul(peer: Peer) -> None:
    """NULs as they are within an event."""
    peer.events(*good_events()[:2], event(b'{"choices":[]\0}'), *good_events()[2:])


@behaviour("sse.cut-json", "stream", (1, "MUST"), (1, r"stream\.garbage"))
def cut_json(peer: Peer) -> None:
    """An event whose JSON is cut in the middle."""
    peer.events(*good_events()[:2], event(good_events()[2][6:40]), *good_events()[2:])


@behaviour("sse.json-over-lines", "stream", (0, "PASSED"), (0, "3 ok"))
def json_over_lines(peer: Peer) -> None:
    """An event's JSON over several data lines: allowed."""
    rows = [one[:-2].replace(b',"', b',\ndata: "') + b"\n\n" for one in good_events("one", " two")]
    peer.events(*rows)


@behaviour("sse.error-inside", "stream", (1, "MUST"), (1, r"stream\.error_event"))
def error_inside(peer: Peer) -> None:
    """An error in the middle, after which the connection is closed."""
    peer.events(*good_events()[:2], event(b'{"error":{"message":"out of memory","type":"server_error"}}'))


@behaviour("sse.not-streamed", "stream", (1, "MUST"), (1, r"stream\.not_streamed"))
def not_streamed(peer: Peer) -> None:
    """One JSON body, though a stream was asked for."""
    peer.answer(dumped(peer.document()))


@behaviour("sse.unasked", "plain", (1, "MUST"), (1, r"stream\.|body\."))
def unasked(peer: Peer) -> None:
    """A stream, though none was asked for."""
    peer.events(*good_events())


@behaviour("sse.empty", "stream", (1, "MUST"), (1, r"stream\.empty"))
def empty(peer: Peer) -> None:
    """A stream without an event."""
    peer.events()


@behaviour("sse.names-without-end", "stream", _LARGE, (1, r"timeout|too_large"))
def names_without_end(peer: Peer) -> None:
    """Names of events without end, and never a blank line."""
    peer.open_stream()
    peer.forever(without_end(b"event: a\n" * 8000))
