"""Names that lead nowhere, addresses of the other family, and proxies set by the environment."""

from __future__ import annotations

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer


@behaviour("names.unknown", "never", (3, "connect"), (3, r"connect\.dns"), host="no-such-host.invalid")
def unknown(peer: Peer) -> None:
    """A name that does not resolve."""


@behaviour("names.label-too-long", "never", (3, "."), (3, r"connect\.dns"), host="a" * 70 + ".invalid")
def label_too_long(peer: Peer) -> None:
    """A name whose label is longer than names may be."""


@behaviour("names.empty-label", "never", (3, "."), (3, r"connect\.dns"), host="a..invalid")
def empty_label(peer: Peer) -> None:
    """A name with two dots in a row."""


@behaviour("names.ipv6-only", "every", (0, "PASSED"), (0, "3 ok"), host="[::1]", bind="::1")
def ipv6_only(peer: Peer) -> None:
    """A good server that has an IPv6 address alone."""
    peer.good()


@behaviour("names.localhost", "every", (0, "PASSED"), (0, "3 ok"), host="localhost")
def localhost(peer: Peer) -> None:
    """A good server on 127.0.0.1, by a name that has an IPv6 address as well."""
    peer.good()


@behaviour("names.localhost-ipv6", "every", (0, "PASSED"), (0, "3 ok"), host="localhost", bind="::1")
def localhost_ipv6(peer: Peer) -> None:
    """A good server on ::1, by a name that has an IPv4 address as well."""
    peer.good()


@behaviour(
    "proxy.dead", "every", (3, "connect|proxy"), (0, "3 ok"), environment={"HTTP_PROXY": "http://127.0.0.1:{closed}"}
)
def dead(peer: Peer) -> None:
    """The environment names a proxy where nobody listens. The load client uses no proxy."""
    peer.good()


@behaviour(
    "proxy.password",
    "every",
    (3, "connect|proxy"),
    (0, "3 ok"),
    environment={"HTTP_PROXY": "http://u:{canary}@127.0.0.1:{closed}"},
)
def password(peer: Peer) -> None:
    """The proxy's address holds a password."""
    peer.good()


@behaviour(
    "proxy.malformed", "every", (2, "HTTP_PROXY"), (0, "3 ok"), environment={"HTTP_PROXY": "ht!tp://{canary}:x:y"}
)
def malformed(peer: Peer) -> None:
    """The proxy's address is none."""
    peer.good()


@behaviour("proxy.refuses", "every", (3, "."), (0, "3 ok"), environment={"HTTP_PROXY": "http://127.0.0.1:{trap}"})
def refuses(peer: Peer) -> None:
    """The proxy refuses everything. What is sent by http:// goes through it, as with every client; so it sees the key."""
    peer.good()


@behaviour(
    "proxy.excepted",
    "every",
    (0, "PASSED"),
    (0, "3 ok"),
    environment={"HTTP_PROXY": "http://127.0.0.1:{closed}", "NO_PROXY": "127.0.0.1"},
)
def excepted(peer: Peer) -> None:
    """The environment names a dead proxy, and excepts the target from it."""
    peer.good()
