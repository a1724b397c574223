"""What JSON can hold that readers stumble over."""

from __future__ import annotations

import json
from typing import Any

from seatrial.hostile import behaviour
from seatrial.hostile.peer import CREATED, MODEL, Peer, dumped, event, good_events, piece

_ODD = "../../../../tmp/x\x1b[31mred\x1b]0;title\x07\r\n\u202e\u2028<script>alert(1)</script>=1+1|`a`"
"""An id that would act in a path, on a terminal, in a page, in a spreadsheet, and in Markdown."""


def _raw(peer: Peer, member: bytes) -> None:
    """A good answer with that member, as written, before the rest."""
    peer.answer(b"{" + member + b"," + dumped(peer.document())[1:])


def _changed(peer: Peer, **members: Any) -> None:
    peer.answer(dumped({**peer.document(), **members}))


@behaviour("json.deep", "plain", (1, "MUST"), (1, r"body\.garbage"))
def deep(peer: Peer) -> None:
    """A hundred thousand arrays, one in the other."""
    _raw(peer, b'"x_deep":' + b"[" * 100_000 + b"]" * 100_000)


@behaviour("json.deep-unclosed", "plain", (1, "MUST"), (1, r"body\.garbage"))
def deep_unclosed(peer: Peer) -> None:
    """A hundred thousand objects are opened and none is closed."""
    peer.answer(b'{"a":' * 100_000)


@behaviour("json.deep-900", "plain", (0, "PASSED"), (0, "3 ok"))
def deep_900(peer: Peer) -> None:
    """Nine hundred arrays, one in the other: what most parsers still read."""
    _raw(peer, b'"x_deep":' + b"[" * 900 + b"]" * 900)


@behaviour("json.deep-event", "stream", (1, "MUST"), (1, r"stream\.garbage"))
def deep_event(peer: Peer) -> None:
    """An event of a hundred thousand arrays, one in the other."""
    peer.events(*good_events()[:2], event(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), *good_events()[2:])


@behaviour("json.deep-models", "models", (2, "no model"), (3, "lists no model"))
def deep_models(peer: Peer) -> None:
    """A list of models that is a hundred thousand deep."""
    peer.answer(b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


@behaviour("json.deep-error", check=(1, "MUST"), load=(1, r"http\.500"))
def deep_error(peer: Peer) -> None:
    """An error whose message is a hundred thousand objects deep."""
    peer.answer(
        b'{"error":{"message":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}}", status="500 Internal Server Error"
    )


@behaviour("json.number-beyond-float", "plain", (0, "."), (0, "."))
def beyond_float(peer: Peer) -> None:
    """Numbers that no float holds: 1e400 and -1e400."""
    _raw(peer, b'"x_large":1e400,"x_small":-1e400')


@behaviour("json.number-of-digits", "plain", (1, "MUST"), (1, r"body\.garbage"))
def of_digits(peer: Peer) -> None:
    """A whole number of ten thousand digits."""
    _raw(peer, b'"x_long":' + b"9" * 10_000)


@behaviour("json.usage-beyond-number", "plain", (1, "MUST"), (0, "."))
def usage_beyond_number(peer: Peer) -> None:
    """Tokens counted with forty digits, below zero, and in halves."""
    _changed(peer, usage={"prompt_tokens": int("9" * 40), "completion_tokens": -(10**18), "total_tokens": 0.5})


@behaviour("json.usage-in-stream", "stream", (1, "MUST"), (0, "."))
def usage_in_stream(peer: Peer) -> None:
    """The same in a stream."""
    rows = good_events()
    usage = {"prompt_tokens": int("9" * 40), "completion_tokens": -(10**18), "total_tokens": 0.5}
    last = {**piece(None), "choices": [], "usage": usage}
    peer.events(*rows[:-1], event(dumped(last)), rows[-1])


@behaviour("json.nan", "plain", (1, "MUST"), (1, r"body\.garbage"))
def nan(peer: Peer) -> None:
    """NaN and Infinity, which Python's reader takes and JSON does not know."""
    _raw(peer, b'"x_nan":NaN,"x_inf":-Infinity')


@behaviour("json.key-twice", "plain", (1, "MUST"), (0, "."))
def key_twice(peer: Peer) -> None:
    """A member is given twice, and not the same."""
    _raw(peer, b'"object":"list","id":"other"')


@behaviour("json.lone-surrogate", "plain", (1, "MUST"), (0, "."))
def lone_surrogate(peer: Peer) -> None:
    """Half a surrogate pair, escaped, in the id and the answer."""
    _raw(peer, b'"id":"chatcmpl-\\ud800","x_half":"\\udfff\\ud83d"')


@behaviour("json.lone-surrogate-stream", "stream", (0, "."), (0, "."))
def lone_surrogate_stream(peer: Peer) -> None:
    """An emoji is cut in two between events, each half escaped."""
    rows = good_events("a")
    halves = [event(dumped(piece("%HIGH%")).replace(b"%HIGH%", half)) for half in (b"\\ud83d", b"\\ude00")]
    peer.events(rows[0], *halves, *rows[2:])


@behaviour("json.nul", "plain", (0, "."), (0, "."))
def nul(peer: Peer) -> None:
    """NULs, escaped, in the answer's text."""
    body = peer.document()
    if "choices" in body:
        body["choices"][0]["message"]["content"] = "a\0b\0"
    peer.answer(dumped({**body, "x_nul": "\0"}))


@behaviour("json.nul-raw", "plain", (1, "MUST"), (1, r"body\.garbage"))
def nul_raw(peer: Peer) -> None:
    """NULs as they are after the answer."""
    peer.answer(dumped(peer.document()) + b"\0" * 100)


@behaviour("json.invalid-utf-8", "plain", (1, "MUST"), (1, r"body\.garbage"))
def invalid_utf_8(peer: Peer) -> None:
    """Bytes that are no UTF-8 within a string."""
    _raw(peer, b'"x_bytes":"\xff\xfe\xc3("')


@behaviour("json.invalid-utf-8-stream", "stream", (1, "MUST"), (0, "MUST"))
def invalid_utf_8_stream(peer: Peer) -> None:
    """Bytes that are no UTF-8 within an event."""
    peer.events(*good_events("a", "b")[:2], event(dumped(piece("%")).replace(b"%", b"\xff\xc3(")), *good_events()[-2:])


@behaviour("json.byte-order-mark", "plain", (1, "MUST"), (1, r"body\.garbage"))
def byte_order_mark(peer: Peer) -> None:
    """A byte order mark before the JSON, which RFC 8259 forbids to send."""
    peer.answer(b"\xef\xbb\xbf" + dumped(peer.document()))


@behaviour("json.utf-16", "plain", (1, "MUST"), (1, r"body\.garbage"))
def utf_16(peer: Peer) -> None:
    """JSON in UTF-16."""
    peer.answer(dumped(peer.document()).decode().encode("utf-16"))


@behaviour("json.two-documents", "plain", (1, "MUST"), (1, r"body\.garbage"))
def two_documents(peer: Peer) -> None:
    """Two documents in one body."""
    peer.answer(dumped(peer.document()) * 2)


@behaviour("json.array", "plain", (1, "MUST"), (1, r"body\.garbage"))
def array(peer: Peer) -> None:
    """A list where an object is due."""
    peer.answer(b"[" + dumped(peer.document()) + b"]")


@behaviour("json.null", "plain", (1, "MUST"), (1, r"body\.garbage"))
def null(peer: Peer) -> None:
    """null where an object is due."""
    peer.answer(b"null")


@behaviour("json.wrong-types", "plain", (1, "MUST"), (1, r"body\.garbage"))
def wrong_types(peer: Peer) -> None:
    """Every member is of another type than it should be."""
    _changed(peer, id=[1], choices={"a": None}, data="x", usage="many", created="now", object=7, model={})


@behaviour("json.wrong-types-stream", "stream", (1, "MUST"), (1, r"stream\.garbage"))
def wrong_types_stream(peer: Peer) -> None:
    """Events whose members are of other types than they should be."""
    bad: list[Any] = [
        {"choices": 7},
        {"choices": [None]},
        {"choices": [{"delta": [1]}]},
        [],
        None,
        "x",
        1,
        {"error": 5},
    ]
    peer.events(*(event(dumped(one)) for one in bad), *good_events())


@behaviour("json.wrong-types-models", "models", (2, "no model"), (3, "lists no model"))
def wrong_types_models(peer: Peer) -> None:
    """A list of models of numbers, nulls and lists."""
    peer.answer(b'{"object":"list","data":[null,7,[],{"id":7},{"id":null},{}]}')


@behaviour("json.million-members", "plain", (1, "http.answered"), (1, r"body\.too_large"))
def million_members(peer: Peer) -> None:
    """An object of a million members."""
    _raw(peer, b'"x_many":{' + b",".join(b'"%d":0' % number for number in range(1_000_000)) + b"}")


@behaviour("json.backwards-created", "stream", (1, "MUST"), (0, "."))
def backwards_created(peer: Peer) -> None:
    """The clock in `created` goes backwards from chunk to chunk, past zero."""
    rows = [piece(str(number), created=CREATED - number * CREATED) for number in range(4)]
    peer.events(*(event(dumped(row)) for row in rows), *good_events()[-2:])


@behaviour("json.created-far", "plain", (1, "MUST"), (0, "."))
def created_far(peer: Peer) -> None:
    """A moment that no calendar has."""
    _changed(peer, created=10**17)


@behaviour("json.odd-ids", "post", (0, "."), (0, "."))
def odd_ids(peer: Peer) -> None:
    """Ids and texts with path separators, terminal escapes, markup and formulas in them."""
    if peer.streams:
        rows = [piece(_ODD), piece(None, "stop")]
        peer.events(*(event(dumped({**row, "id": _ODD, "model": _ODD})) for row in rows), event(b"[DONE]"))
    else:
        _changed(peer, id=_ODD, model=_ODD, system_fingerprint=_ODD)


@behaviour("json.odd-error", check=(1, "MUST"), load=(1, r"http\.400"))
def odd_error(peer: Peer) -> None:
    """An error with the same in its message, its type and its code."""
    error = {"message": _ODD, "type": _ODD, "code": _ODD, "param": _ODD}
    peer.answer(json.dumps({"error": error}).encode(), status="400 Bad Request")


@behaviour("json.odd-models", "models", (1, "."), (0, "."))
def odd_models(peer: Peer) -> None:
    """A model whose id holds the same, which is then asked for."""
    row = {"id": _ODD, "object": "model", "created": CREATED, "owned_by": _ODD}
    peer.answer(dumped({"object": "list", "data": [row, {**row, "id": MODEL}]}))
