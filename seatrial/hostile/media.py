"""Answers of another kind than they should be: pages, portals, other media types."""

from __future__ import annotations

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer, dumped, good_events

_PAGE = (
    b"<!doctype html><html><head><title>Sign in</title><script>alert(1)</script></head>"
    b"<body><form action='/login'><input name=user></form></body></html>"
)


@behaviour("media.portal", "every", (3, "answers HTML"), (3, "lists no model"))
def portal(peer: Peer) -> None:
    """A captive portal answers 200 and a page to everything."""
    peer.answer(_PAGE, media="text/html; charset=utf-8")


@behaviour("media.portal-as-json", "every", (2, "no model"), (3, "lists no model"))
def portal_as_json(peer: Peer) -> None:
    """The portal says that its page is JSON."""
    peer.answer(_PAGE)


@behaviour("media.page", check=(1, "MUST"), load=(1, r"stream\.not_streamed"))
def page(peer: Peer) -> None:
    """A page with a script in it answers each POST."""
    peer.answer(_PAGE, media="text/html")


@behaviour("media.error-page", check=(1, "MUST"), load=(1, r"http\.502"))
def error_page(peer: Peer) -> None:
    """A gateway's page: 502."""
    peer.answer(_PAGE, media="text/html", status="502 Bad Gateway")


@behaviour("media.error-page-large", check=(1, "MUST"), load=(1, r"http\.502"))
def error_page_large(peer: Peer) -> None:
    """A gateway's page of 5 MiB."""
    peer.answer(_PAGE + b"<!-- a -->" * (1 << 19), media="text/html", status="502 Bad Gateway")


@behaviour("media.text", "plain", (1, "MUST"), None)
def text(peer: Peer) -> None:
    """A good answer that says it is text."""
    peer.answer(dumped(peer.document()), media="text/plain")


@behaviour("media.bytes", "stream", (1, "MUST"), (1, r"stream\.not_streamed"))
def octets(peer: Peer) -> None:
    """A good stream that says it is bytes."""
    peer.answer(b"".join(good_events()), media="application/octet-stream")


@behaviour("media.json-as-stream", "plain", (1, "MUST"), None)
def json_as_stream(peer: Peer) -> None:
    """A JSON body that says it is a stream of events."""
    peer.answer(dumped(peer.document()), media="text/event-stream")


@behaviour("media.charset", "plain", (0, "."), (0, "3 ok"))
def charset(peer: Peer) -> None:
    """UTF-8 that says it is UTF-16: JSON has no charset, so it is read as UTF-8."""
    peer.answer(dumped(peer.document()), media="application/json; charset=utf-16")


@behaviour("media.charset-unknown", "post", (0, "."), (0, "3 ok"))
def charset_unknown(peer: Peer) -> None:
    """A charset that there is not, or that is a codec of Python's own."""
    body, media = dumped(peer.document()), "application/json"
    if peer.streams:
        body, media = b"".join(good_events()), "text/event-stream"
    peer.answer(body, media=f'{media}; charset="rot13"; charset=../x')


@behaviour("media.odd", "plain", (1, "MUST"), None)
def odd(peer: Peer) -> None:
    """A media type that is none."""
    peer.answer(dumped(peer.document()), media=";;;///\x7f=;")
