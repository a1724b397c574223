"""Reports mark what differs between the expected and the actual text, and nothing else."""

from __future__ import annotations

import json
import time

from seatrial import contrast
from tests import measured


def marked(pieces: list[contrast.Piece]) -> list[str]:
    return [piece.text for piece in pieces if piece.differs]


def test_the_word_that_differs_is_marked_on_both_sides() -> None:
    expected, actual = contrast.pieces('"chat.completion"', '"chat.completions"')
    assert (marked(expected), marked(actual)) == (["completion"], ["completions"])
    assert "".join(piece.text for piece in expected) == '"chat.completion"'


def test_what_is_only_on_one_side_is_marked_there() -> None:
    expected, actual = contrast.pieces("stop (event 11)", "stop (event 11), stop (event 12)")
    assert (marked(expected), marked(actual)) == ([], [", stop (event 12)"])


def test_texts_with_little_in_common_are_left_unmarked() -> None:
    assert contrast.pieces("one finish_reason", "stop (event 11)") == (
        [contrast.Piece("one finish_reason")],
        [contrast.Piece("stop (event 11)")],
    )


def test_json_is_compared_line_by_line_whatever_the_order_of_its_keys() -> None:
    assert contrast.lines('{"a": 1, "b": [1, 2]}', '{"b": [1, 2], "a": 2}')[:3] == [
        contrast.Line(" ", "{"),
        contrast.Line("-", '  "a": 1,'),
        contrast.Line("+", '  "a": 2,'),
    ]
    assert contrast.lines('{"a": 1}', "absent") == []
    assert contrast.lines("[" * 3000, "[" * 3000) == []


def test_equal_lines_far_from_a_difference_are_counted() -> None:
    rows = list(range(20))
    found = contrast.lines(json.dumps(rows), json.dumps([*rows[:10], 99, *rows[11:]]))
    assert [line.text for line in found if line.sign == "@"] == ["8", "7"]
    assert [line.text.strip() for line in found if line.sign in "-+"] == ["10,", "99,"]


@measured
def test_long_texts_cost_no_time() -> None:
    began = time.monotonic()
    contrast.pieces("a b" * 1_000_000, "b a" * 1_000_000)
    assert time.monotonic() - began < 0.5
