"""The SSE reader: WHATWG rules, spans, and the same events however the bytes are split."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.sse import Reader, read


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_each_line_end_gives_the_same_events(end: bytes) -> None:
    body = end.join(
        [b"data: a", b"", b": comment", b"id: 7", b"event: x", b"data:b", b"data: c", b"", b"retry: 5", b"", b""]
    )
    events = read(body)
    assert [(e.data, e.event, e.id) for e in events] == [("a", "message", None), ("b\nc", "x", "7")]


def test_spans_cover_the_events_bytes() -> None:
    body = b"data: one\r\n\r\n: ping\r\n\r\ndata: two\n\n"
    events = read(body)
    assert [body[e.start : e.end] for e in events] == [b"data: one\r\n\r\n", b"data: two\n\n"]


def test_only_one_space_is_taken_after_the_colon() -> None:
    assert [e.data for e in read(b"data:  two\n\ndata\n\ndata:\n\n")] == [" two", "", ""]


def test_an_event_without_its_blank_line_is_none() -> None:
    assert read(b"data: [DONE]\n") == ()


def test_a_byte_order_mark_is_dropped_once() -> None:
    assert [e.data for e in read(b"\xef\xbb\xbfdata: a\n\n")] == ["a"]


def test_an_id_with_nul_is_ignored() -> None:
    assert read(b"id: 1\n\nid: a\0b\ndata: x\n\n")[0].id == "1"


def test_wrong_utf8_is_replaced_and_split_characters_are_not() -> None:
    snow = "data: ☃\n\n".encode()
    reader = Reader()
    events = [event for byte in snow for event in reader.feed(bytes([byte]), 0)]
    assert events[0].data == "☃"
    assert read(b"data: \xff\n\n")[0].data == "\ufffd"


pieces = st.lists(
    st.sampled_from(
        [b"data: x", b"data:", b"data", b":c", b"id: 1", b"event: e", b"\n", b"\r", b"\r\n", b"\n\n", b"\xc3\xa9", b" "]
    ),
    max_size=30,
).map(b"".join)


@given(pieces, st.lists(st.integers(0, 200), max_size=8))
def test_a_split_anywhere_changes_nothing(body: bytes, cuts: list[int]) -> None:
    reader = Reader()
    places = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    events = [e for a, b in itertools.pairwise(places) for e in reader.feed(body[a:b], 0)]
    assert [(e.data, e.event, e.id) for e in events] == [(e.data, e.event, e.id) for e in read(body)]


def test_events_carry_the_time_of_the_read_that_completed_them() -> None:
    reader = Reader()
    assert reader.feed(b"data: a\n", 1) == []
    assert [e.at_ns for e in reader.feed(b"\ndata: b\n\n", 2)] == [2, 2]


def test_an_event_of_many_lines_is_joined_in_order() -> None:
    lines = [str(number) for number in range(10_000)]
    body = "".join(f"data: {line}\n" for line in lines) + "\ndata: after\n\n"
    assert [event.data for event in read(body.encode())] == ["\n".join(lines), "after"]
