"""Refusals: for ever, for a while, with every form of Retry-After; and keys that are taken back."""

from __future__ import annotations

import time
from email.utils import formatdate

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer, dumped, error


def _busy(peer: Peer, *lines: str, status: str = "429 Too Many Requests") -> None:
    peer.answer(dumped(error("slow down", "rate_limit_exceeded", "rate_limit_error")), *lines, status=status)


@behaviour("refusal.429", check=(4, "little was proven"), load=(1, r"http\.429"))
def without(peer: Peer) -> None:
    """429 for ever, without Retry-After."""
    _busy(peer)


@behaviour("refusal.429-seconds", check=(4, "little was proven"), load=(1, r"http\.429"), seconds=120)
def seconds(peer: Peer) -> None:
    """429 for ever, Retry-After in seconds."""
    _busy(peer, "Retry-After: 20")


@behaviour("refusal.429-zero", check=(4, "little was proven"), load=(1, r"http\.429"), seconds=120)
def zero(peer: Peer) -> None:
    """429 for ever, Retry-After 0: not to be asked hundreds of times."""
    _busy(peer, "Retry-After: 0")


@behaviour("refusal.429-date", check=(4, "little was proven"), load=(1, r"http\.429"), seconds=120)
def date(peer: Peer) -> None:
    """429 for ever, Retry-After as a date twenty seconds ahead."""
    _busy(peer, "Retry-After: " + formatdate(time.time() + 20, usegmt=True))


@behaviour("refusal.429-date-past", check=(4, "little was proven"), load=(1, r"http\.429"), seconds=120)
def date_past(peer: Peer) -> None:
    """429 for ever, Retry-After as a date of 1994."""
    _busy(peer, "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT")


@behaviour("refusal.429-negative", check=(4, "little was proven"), load=(1, r"http\.429"))
def negative(peer: Peer) -> None:
    """429 for ever, Retry-After below zero."""
    _busy(peer, "Retry-After: -5")


@behaviour("refusal.429-years", check=(4, "little was proven"), load=(1, r"http\.429"))
def years(peer: Peer) -> None:
    """429 for ever, Retry-After of thirty years."""
    _busy(peer, "Retry-After: 1000000000")


@behaviour("refusal.429-beyond-number", check=(4, "little was proven"), load=(1, r"http\.429"))
def beyond_number(peer: Peer) -> None:
    """429 for ever, Retry-After of five thousand digits."""
    _busy(peer, "Retry-After: " + "9" * 5000)


@behaviour("refusal.429-garbage", check=(4, "little was proven"), load=(1, r"http\.429"))
def garbage(peer: Peer) -> None:
    """429 for ever, Retry-After of no form."""
    _busy(peer, "Retry-After: Mon, 99 Foo 99999 99:99:99 +9999")


@behaviour("refusal.503-years", check=(4, "little was proven"), load=(1, r"http\.503"))
def unavailable_years(peer: Peer) -> None:
    """503 for ever, Retry-After of thirty years."""
    _busy(peer, "Retry-After: 1e9", status="503 Service Unavailable")


@behaviour("refusal.429-at-once", "every", (3, "no model is known"), (3, "no model"))
def at_once(peer: Peer) -> None:
    """429 for ever, also to GET /models."""
    _busy(peer, "Retry-After: 1000000000")


@behaviour("refusal.401-at-once", "every", (3, "was refused"), (3, "refused"))
def unauthorized_at_once(peer: Peer) -> None:
    """The key is refused."""
    peer.answer(dumped(error("Incorrect API key provided", "invalid_api_key")), status="401 Unauthorized")


@behaviour("refusal.401-after-good", "every", (1, "401"), (1, r"http\.401"))
def unauthorized_after_good(peer: Peer) -> None:
    """The key is taken back after three good answers."""
    peer.state["served"] = peer.state.get("served", 0) + 1
    if peer.state["served"] > 3:
        peer.answer(dumped(error("Incorrect API key provided", "invalid_api_key")), status="401 Unauthorized")
    else:
        peer.good()


@behaviour("refusal.500", check=(1, "MUST"), load=(1, r"http\.500"))
def fault(peer: Peer) -> None:
    """500 for ever."""
    peer.answer(dumped(error("boom", None, "server_error")), status="500 Internal Server Error")


@behaviour("refusal.404-at-once", "every", (2, "no model"), (3, "lists no model"))
def not_found(peer: Peer) -> None:
    """No path is known."""
    peer.answer(dumped(error("not found")), status="404 Not Found")
