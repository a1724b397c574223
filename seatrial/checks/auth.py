"""Authentication: what an answer says of the key that was sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from seatrial.check import check
from seatrial.model import REDACTED, SHOULD, WRONG_KEY, Exchange, Finding


@check(
    "auth.no-credential-echo",
    level=SHOULD,
    applies=lambda x: x.status is not None and x.auth != "none",
    spec="rfc6750#section-5.3",
)
def no_credential_echo(exchange: Exchange) -> Iterator[Finding]:
    """No answer repeats the key that was sent, nor its SHA-256: it would end in logs."""
    text = exchange.text + "\n".join(f"{name}: {value}" for name, value in exchange.headers)
    marks = {"the key itself": REDACTED}
    if exchange.auth == "wrong":
        marks = {"the key itself": WRONG_KEY, "the key's SHA-256": hashlib.sha256(WRONG_KEY.encode()).hexdigest()}
    for what, mark in marks.items():
        if mark.lower() in text.lower():
            yield Finding("no trace of the credential", what, "answer")
