"""Credentials: what an answer must not tell of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from seatrial.check import Inconclusive, check
from seatrial.model import SHOULD, WRONG_KEY, Exchange, Finding


def _sent_wrong_key(exchange: Exchange) -> bool:
    return exchange.auth == "wrong"


@check("auth.no-credential-echo", level=SHOULD, applies=_sent_wrong_key, spec="issue#BerriAI/litellm/39757")
def no_credential_echo(exchange: Exchange) -> Iterator[Finding]:
    """An answer to a wrong key repeats neither the key nor its SHA-256."""
    if exchange.status is None:
        raise Inconclusive("no answer came")
    digest = hashlib.sha256(WRONG_KEY.encode()).hexdigest()
    headers = "\n".join(f"{name}: {value}" for name, value in exchange.headers)
    for where, text in (("body", exchange.text), ("headers", headers)):
        if WRONG_KEY in text:
            yield Finding("not the key", "the whole key that was sent", where)
        if digest in text.lower():
            yield Finding("not the key's hash", f"the SHA-256 of the key, {digest[:12]}...", where)
