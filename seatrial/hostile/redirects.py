"""Redirects. Nothing is followed, so that no key is carried to another host, port or scheme."""

from __future__ import annotations

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer

_AT_ONCE = (3, "redirects to")


def _to(peer: Peer, where: str, status: str = "307 Temporary Redirect") -> None:
    peer.answer(b"", f"Location: {where}", status=status, media="")


@behaviour("redirect.loop-at-once", "every", _AT_ONCE, (3, r"no model|http\.30"))
def loop_at_once(peer: Peer) -> None:
    """Every path leads to itself."""
    _to(peer, peer.path, "302 Found")


@behaviour("redirect.other-port-at-once", "every", _AT_ONCE, (3, r"no model|http\.30"))
def other_port_at_once(peer: Peer) -> None:
    """Every path leads to another port, where keys are collected."""
    _to(peer, f"http://127.0.0.1:{peer.state['trap']}{peer.path}", "301 Moved Permanently")


@behaviour("redirect.loop", check=(1, "MUST"), load=(1, r"http\.307"))
def loop(peer: Peer) -> None:
    """A POST is led to itself."""
    _to(peer, peer.path)


@behaviour("redirect.other-port", check=(1, "MUST"), load=(1, r"http\.308"))
def other_port(peer: Peer) -> None:
    """A POST is led to another port, where keys are collected."""
    _to(peer, f"http://127.0.0.1:{peer.state['trap']}/v1/chat/completions", "308 Permanent Redirect")


@behaviour("redirect.other-host", check=(1, "MUST"), load=(1, r"http\.307"))
def other_host(peer: Peer) -> None:
    """A POST is led to another name of this machine, where keys are collected."""
    _to(peer, f"http://localhost:{peer.state['trap']}/v1/chat/completions")


@behaviour("redirect.other-scheme", check=(1, "MUST"), load=(1, r"http\.307"))
def other_scheme(peer: Peer) -> None:
    """A POST is led to https on the same port."""
    _to(peer, f"https://127.0.0.1:{peer.state['port']}/v1/chat/completions")


@behaviour("redirect.no-scheme", check=(1, "MUST"), load=(1, r"http\.303"))
def no_scheme(peer: Peer) -> None:
    """A POST is led to //host:port, by See Other."""
    _to(peer, f"//127.0.0.1:{peer.state['trap']}/v1/models", "303 See Other")


@behaviour("redirect.file", check=(1, "MUST"), load=(1, r"http\.307"))
def file(peer: Peer) -> None:
    """A POST is led to a file of the client's."""
    _to(peer, "file:///etc/passwd")


@behaviour("redirect.nowhere", "every", (3, "redirects"), (3, r"no model|http\.30"))
def nowhere(peer: Peer) -> None:
    """A redirect that does not say where to."""
    peer.answer(b"", status="302 Found", media="")


@behaviour("redirect.odd-location", "every", (3, "redirects to|location"), (3, r"no model|http\.30|malformed"))
def odd_location(peer: Peer) -> None:
    """A location with terminal escapes in it."""
    _to(peer, "http://x/\x1b[31mred\x1b[0m\x07\u202e")


@behaviour("redirect.key-in-location", "every", (3, "redirects to"), (3, r"no model|http\.30"))
def key_in_location(peer: Peer) -> None:
    """The key comes back in the location."""
    _to(peer, f"http://127.0.0.1:{peer.state['trap']}/?key={peer.key}&user=u:{peer.key}@h", "302 Found")
