"""TLS that cannot be trusted, or breaks. The keys beside this file are for these plays alone and open nothing."""

from __future__ import annotations

import os
import ssl
from functools import cache
from pathlib import Path

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer, dumped

_PEM = Path(__file__).parent / "pem"
_TRUST = {"SSL_CERT_FILE": str(_PEM / "authority.pem")}
_REFUSED = (3, "tls: .*certificate")
_FAILED = (3, r"connect\.tls")


@cache
def context(id: str) -> ssl.SSLContext:
    """The certificate that the behaviour shows: `tls.expired` and the like have their own, the others a good one."""
    own = _PEM / f"{id.removeprefix('tls.')}.pem"
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(own if own.exists() and id.startswith("tls.") else _PEM / "good.pem")
    return made


@behaviour("tls.good", "every", (0, "PASSED"), (0, "3 ok"), scheme="https", environment=_TRUST)
def good(peer: Peer) -> None:
    """A certificate of an authority that is trusted: what the others differ from."""
    peer.good()


@behaviour("tls.expired", "every", _REFUSED, _FAILED, scheme="https", environment=_TRUST)
def expired(peer: Peer) -> None:
    """The certificate's time is over."""
    peer.good()


@behaviour("tls.wrong-host", "every", _REFUSED, _FAILED, scheme="https", environment=_TRUST)
def wrong_host(peer: Peer) -> None:
    """The certificate is another host's."""
    peer.good()


@behaviour("tls.untrusted", "every", _REFUSED, _FAILED, scheme="https")
def untrusted(peer: Peer) -> None:
    """Nobody trusts the certificate's authority."""
    peer.good()


@behaviour("tls.not-tls", "accept", (3, "tls"), _FAILED, scheme="https")
def not_tls(peer: Peer) -> None:
    """Plain HTTP where TLS is due."""
    peer.answer(b"{}", "Connection: close", status="400 Bad Request")


@behaviour("tls.cut-in-handshake", "accept", (3, "tls|reset|protocol"), _FAILED, scheme="https")
def cut_in_handshake(peer: Peer) -> None:
    """The connection is closed in the middle of the handshake."""
    peer.send(b"\x16\x03\x03\x00\x7a\x02\x00\x00")
    peer.close()


@behaviour("tls.silent", "accept", (3, "connect|tls|timeout"), (3, r"timeout\.connect|connect"), scheme="https")
def silent(peer: Peer) -> None:
    """The handshake is never answered."""
    peer.wait()


@behaviour("tls.alert", "accept", (3, "tls"), _FAILED, scheme="https")
def alert(peer: Peer) -> None:
    """The handshake is answered by a fatal alert."""
    peer.send(b"\x15\x03\x03\x00\x02\x02\x28")
    peer.close()


@behaviour("tls.cut-in-body", check=(1, "http.answered"), load=(1, r"connection\."), scheme="https", environment=_TRUST)
def cut_in_body(peer: Peer) -> None:
    """The connection is closed in the body, without TLS's own farewell."""
    peer.head("Content-Length: 4000")
    peer.send(b'{"id":"chatcmpl-1",')
    peer.close()


@behaviour("tls.cut-until-close", "plain", (0, "."), (0, "3 ok"), scheme="https", environment=_TRUST)
def cut_until_close(peer: Peer) -> None:
    """A body that ends with the connection, cut without TLS's own farewell, as many servers do: its JSON says if it is whole."""
    body = dumped(peer.document())
    peer.head("Connection: close")
    peer.send(body)
    peer.close()


@behaviour(
    "tls.garbage-record", check=(1, "http.answered"), load=(1, r"connection\."), scheme="https", environment=_TRUST
)
def garbage_record(peer: Peer) -> None:
    """A record that cannot be decrypted comes in place of an answer."""
    os.write(peer.socket.fileno(), b"\x17\x03\x03\x00\x10no record at all")
    peer.close()
