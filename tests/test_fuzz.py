"""The reader of server-sent events beside an independent one, on streams cut anywhere; the keys it never lets through."""

from __future__ import annotations

import json
from itertools import pairwise

import httpx
import httpx_sse
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.load.reading import dialects
from seatrial.secret import Secret
from seatrial.sse import Reader

BOUNDED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n"])
TEXTS = st.one_of(
    st.sampled_from(
        [b"", b" ", b"  two", b"[DONE]", b"{}", b":", b"a:b", b"\xff\xc3(", b"\xe2\x80\xa8", b"\x85", b"\x0b\x0c\x1c"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0\ufeff"), max_size=12).map(str.encode),
)
FIELDS = st.sampled_from(
    [b"data:", b"data: ", b"data", b"event: ", b"event:", b"id: ", b":", b": ", b"strange: ", b"Data: ", b""]
)
BODIES = st.lists(st.tuples(FIELDS, TEXTS, ENDS), max_size=25).map(lambda rows: b"".join(b"".join(row) for row in rows))


def cut(body: bytes, places: list[int]) -> list[bytes]:
    """The body in pieces."""
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in pairwise(edges) if start < end]


def theirs(pieces: list[bytes]) -> list[tuple[str, str, str]]:
    """What httpx-sse makes of it."""
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=iter(pieces))
    # It also gives events that have no data, which the standard does not dispatch.
    return [(one.event, one.data, one.id) for one in httpx_sse.EventSource(answer).iter_sse() if one.data]


@BOUNDED
@given(BODIES, st.lists(st.integers(0, 10_000), max_size=12))
def test_the_reader_agrees_with_an_independent_one(body: bytes, places: list[int]) -> None:
    pieces, reader = cut(body, places), Reader()
    ours = [event for piece in pieces for event in reader.feed(piece, 0)]
    # At the end of the body theirs gives what the standard throws away, so both are ended by blank lines.
    ours += reader.feed(b"\n\n", 0)
    assert [(one.event, one.data, one.id or "") for one in ours if one.data] == theirs([*pieces, b"\n\n"])


@BOUNDED
@given(BODIES, st.lists(st.integers(0, 10_000), max_size=12))
def test_where_a_stream_is_cut_changes_nothing(body: bytes, places: list[int]) -> None:
    reader, whole = Reader(), Reader().feed(body, 0)
    found = [event for piece in cut(body, places) for event in reader.feed(piece, 0)]
    assert [(one.data, one.event, one.id) for one in found] == [(one.data, one.event, one.id) for one in whole]


@pytest.mark.parametrize("name", sorted(dialects()))
@settings(BOUNDED, max_examples=30)
@given(body=BODIES | st.binary(max_size=300), places=st.lists(st.integers(0, 10_000), max_size=6), stream=st.booleans())
def test_no_answer_makes_the_load_client_raise(name: str, body: bytes, places: list[int], stream: bool) -> None:
    reading = dialects()[name]()
    reading.begin(200, {"content-type": "text/event-stream" if stream else "application/json"})
    for at, piece in enumerate(cut(body, places)):
        reading.feed(at, piece)
    failure = reading.verdict()
    assert failure is None or failure.name


@BOUNDED
@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40),
    st.lists(st.integers(0, 40), max_size=8),
)
def test_a_key_in_pieces_is_blotted_out_and_no_more(key: str, places: list[int]) -> None:
    pieces = [piece.decode() for piece in cut(f"before {key} after".encode(), places)]
    rows = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    texts = [json.dumps(row) for row in rows]
    for number, text in Secret(key).blot_pieces(texts).items():
        texts[number] = text
    shown = "".join(json.loads(text)["choices"][0]["delta"]["content"] for text in texts)
    assert key not in shown
    assert len(shown) == len(f"before {key} after")
