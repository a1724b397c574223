"""How a body's end is told: by length, by chunks, by the connection's end; and how it is told wrong."""

from __future__ import annotations

from itertools import count

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer, chunk, good_body, without_end


@behaviour("framing.length-too-long", check=(1, "http.answered"), load=(1, r"connection\.truncated"))
def length_too_long(peer: Peer) -> None:
    """Content-Length promises more than comes before the connection is closed."""
    body, media = good_body(peer)
    peer.head(f"Content-Length: {len(body) + 10}", media=media)
    peer.send(body)
    peer.close()


@behaviour("framing.length-too-long-open", check=(1, "http.answered"), load=(1, r"timeout"))
def length_too_long_open(peer: Peer) -> None:
    """Content-Length promises more than comes, and the connection stays open."""
    body, _ = good_body(peer)
    peer.head(f"Content-Length: {len(body) + 10}")
    peer.send(body)
    peer.wait()


@behaviour("framing.length-too-short", check=(1, "http.|json"), load=(1, r"stream\.|http\.malformed"))
def length_too_short(peer: Peer) -> None:
    """Content-Length promises less than comes: the rest is nobody's answer."""
    body, media = good_body(peer)
    peer.head(f"Content-Length: {len(body) - 60}", media=media)
    peer.send(body)


@behaviour("framing.two-lengths", check=(1, "http.answered"), load=(1, r"http\.malformed"))
def two_lengths(peer: Peer) -> None:
    """Two lengths that differ."""
    body, media = good_body(peer)
    peer.head(f"Content-Length: {len(body)}", f"Content-Length: {len(body) - 5}", media=media)
    peer.send(body)


@behaviour("framing.length-negative", check=(1, "http.answered"), load=(1, r"http\.malformed"))
def length_negative(peer: Peer) -> None:
    """A length below zero."""
    body, media = good_body(peer)
    peer.head("Content-Length: -1", media=media)
    peer.send(body)


@behaviour("framing.length-beyond-number", check=(1, "http.answered"), load=(1, r"http\.malformed|timeout"))
def length_beyond_number(peer: Peer) -> None:
    """A length of thirty digits."""
    body, media = good_body(peer)
    peer.head("Content-Length: " + "9" * 30, media=media)
    peer.send(body)
    peer.wait()


@behaviour("framing.length-and-chunks", check=(0, "PASSED"), load=(1, r"http\.malformed"))
def length_and_chunks(peer: Peer) -> None:
    """Both a length and the chunked coding: RFC 9112 lets the chunks count, and lets a client refuse it."""
    body, media = good_body(peer)
    peer.head("Transfer-Encoding: chunked", f"Content-Length: {len(body)}", media=media)
    peer.send(chunk(body) + b"0\r\n\r\n")


@behaviour("framing.chunk-malformed", check=(1, "http.answered"), load=(1, r"http\.malformed"))
def chunk_malformed(peer: Peer) -> None:
    """A chunk's size that is no number."""
    body, media = good_body(peer)
    peer.head("Transfer-Encoding: chunked", media=media)
    peer.send(chunk(body[:20]) + b"zz\r\n" + body[20:])
    peer.wait(1)


@behaviour("framing.chunk-huge", check=(1, "http.answered"), load=(0, "3 ok"))
def chunk_huge(peer: Peer) -> None:
    """A chunk that says it has 2^64 - 1 bytes. Under load all is there with `[DONE]`, and no client waits for more."""
    body, media = good_body(peer)
    peer.head("Transfer-Encoding: chunked", media=media)
    peer.send(b"f" * 16 + b"\r\n" + body)
    peer.wait()


@behaviour("framing.chunk-size-endless", check=(1, "http.answered"), load=(1, r"http\.|too_large"))
def chunk_size_endless(peer: Peer) -> None:
    """A chunk's size of digits without end."""
    peer.head("Transfer-Encoding: chunked")
    peer.forever(without_end(b"0" * 65536))


@behaviour("framing.chunk-extension-endless", check=(1, "http.answered"), load=(1, r"http\.|too_large|timeout"))
def chunk_extension_endless(peer: Peer) -> None:
    """A chunk's extension without end."""
    peer.head("Transfer-Encoding: chunked")
    peer.send(b"1;")
    peer.forever(without_end(b"a" * 65536))


@behaviour("framing.chunks-of-one-byte", check=(0, "PASSED"), load=(0, "3 ok"))
def chunks_of_one_byte(peer: Peer) -> None:
    """Each byte is a chunk: slow, and allowed."""
    body, media = good_body(peer)
    peer.head("Transfer-Encoding: chunked", media=media)
    peer.send(b"".join(chunk(body[index : index + 1]) for index in range(len(body))) + b"0\r\n\r\n")


@behaviour("framing.final-chunk-missing", check=(1, "http.answered"), load=(1, r"connection\.truncated"))
def final_chunk_missing(peer: Peer) -> None:
    """Everything comes but the last chunk, and the connection is closed."""
    body, media = good_body(peer)
    peer.head("Transfer-Encoding: chunked", media=media)
    peer.send(chunk(body))
    peer.close()


@behaviour("framing.trailers", check=(0, "PASSED"), load=(0, "3 ok"))
def trailers(peer: Peer) -> None:
    """Trailers after the last chunk: allowed."""
    body, media = good_body(peer)
    peer.head("Transfer-Encoding: chunked", "Trailer: X-Sum", media=media)
    peer.send(chunk(body) + b"0\r\nX-Sum: 1\r\n\r\n")


@behaviour("framing.trailers-endless", check=(1, "http.answered"), load=(1, r"http\.|too_large|timeout"))
def trailers_endless(peer: Peer) -> None:
    """Trailers without end."""
    body, media = good_body(peer)
    peer.head("Transfer-Encoding: chunked", media=media)
    peer.send(chunk(body) + b"0\r\n")
    peer.forever(b"X-%d: %s\r\n" % (number, b"a" * 100) for number in count())


@behaviour("framing.until-close", check=(0, "PASSED"), load=(0, "3 ok"))
def until_close(peer: Peer) -> None:
    """Neither length nor chunks: the body ends with the connection, which is allowed."""
    body, media = good_body(peer)
    peer.head("Connection: close", media=media)
    peer.send(body)
    peer.close()


@behaviour("framing.coding-unknown", check=(1, "http.answered|json"), load=(1, r"http\.malformed|stream\.|timeout"))
def coding_unknown(peer: Peer) -> None:
    """A transfer coding that there is not."""
    body, media = good_body(peer)
    peer.head("Transfer-Encoding: rot13", media=media)
    peer.send(body)
    peer.wait()
