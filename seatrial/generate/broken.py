"""Requests that are wrong before their schema is looked at: text that is no JSON, other media types, methods, sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from seatrial.generate.donor import Donor, asking, derived
from seatrial.generate.pools import POOLS
from seatrial.model import MAY, MUST, SHOULD, Level, Operation, Scenario, Step

_LARGE = 5 << 20
_DEEP = 20_000
Part = str | dict[str, Any]
Expect = Mapping[Level, Mapping[str, Any]]

REFUSED: Expect = {MUST: {"status": "4XX"}, SHOULD: {"status": 400}}
ADVISED: Expect = {SHOULD: {"status": "4XX"}}
"""RFC 8259 (section 9) leaves a reader free to take more than JSON."""
SURVIVED: Expect = {MUST: {"status": ["2XX", "4XX"]}}

_DAMAGED = {
    "truncated-word": "tru",
    "open-string": '"seatri',
    "open-list": "[1",
    "open-object": '{"a":1',
    "bare-word": "seatrial",
    "no-value": "",
    "lone-minus": "-",
    "bad-escape": r'"\x41"',
    "short-escape": r'"\u12"',
    "two-values": "1 2",
    "mismatch": "[1}",
}
"""Text in place of a value that no reader takes for one."""
_LAX = {
    "single-quotes": "'a'",
    "not-a-number": "NaN",
    "infinity": "-Infinity",
    "leading-zero": "01",
    "leading-plus": "+1",
    "no-integer-part": ".5",
    "no-fraction": "1.",
    "hexadecimal": "0x10",
    "line-end-in-text": '"a\nb"',
    "control-character": '"a\u0001b"',
    "not-utf-8": '"a\udcffb"',
    "trailing-comma-in-list": "[1,]",
}
_ODD = {
    "lone-surrogate": r'"\ud800"',
    "huge-number": "1" + "0" * 400,
    "huge-exponent": "1e999999999",
    "deep-list": "[" * _DEEP + "]" * _DEEP,
    "deep-object": '{"a":' * _DEEP + "1" + "}" * _DEEP,
}
"""JSON, but such as breaks readers."""


_FEW = frozenset(("close-brace-missing", "text-after", "key-number", "value-open-string", "value-deep-list", "comment"))


def scenarios(donor: Donor) -> Iterator[Scenario]:
    """Every request of these kinds, for one operation."""
    kinds = (_forms,) if donor.part == "form" else (_texts, _media, _sizes)
    for id, title, step in (found for kind in (*kinds, _methods) for found in kind(donor)):
        yield derived(donor, f"{donor.step.operation.id}/{id}", title, donor.scenario.needs, step)


def _texts(donor: Donor) -> Iterator[tuple[str, str, Step]]:
    body: Mapping[str, Any] = donor.sent
    members: list[list[Part]] = [[f'"{name}"', ":", {"$json": value}] for name, value in body.items()]
    members = members or [['"seatrial"', ":", "1"]]
    whole: Part = {"$json": body}

    def text(*parts: Part) -> dict[str, list[Part]]:
        return {"$text": list(parts)}

    def joined(*rows: list[Part]) -> list[Part]:
        return [part for index, row in enumerate(rows) for part in ([","] if index else []) + row]

    def valued(value: str) -> dict[str, list[Part]]:
        return text("{", *joined(*members), ',"seatrial":', value, "}")

    damaged = {
        "open-brace-missing": text(*joined(*members), "}"),
        "close-brace-missing": text("{", *joined(*members)),
        "colon-missing": text("{", *joined([members[0][0], members[0][2]], *members[1:]), "}"),
        "comma-missing": text("{", *members[0], *joined(*members[1:], ['"seatrial"', ":", "1"]), "}"),
        "comma-first": text("{,", *joined(*members), "}"),
        "two-commas": text("{", *joined(*members, []), ",", '"seatrial":1}'),
        "close-brace-twice": text(whole, "}"),
        "text-after": text(whole, " seatrial"),
        "text-before": text("seatrial ", whole),
        "two-documents": text(whole, whole),
        "key-missing": text("{", *joined(*members, [":", "1"]), "}"),
        "key-number": text("{", *joined(*members, ["1", ":", "1"]), "}"),
        "nul-after": text(whole, "\0"),
        **{f"value-{name}": valued(value) for name, value in _DAMAGED.items()},
    }
    lax = {
        "trailing-comma": text("{", *joined(*members), ",}"),
        "comment": text("/* seatrial */", whole),
        "key-unquoted": text("{", *joined(*members, ["seatrial", ":", "1"]), "}"),
        "key-single-quotes": text("{", *joined(*members, ["'seatrial'", ":", "1"]), "}"),
        **{f"value-{name}": valued(value) for name, value in _LAX.items()},
    }
    odd = {
        "byte-order-mark": text("\ufeff", whole),
        "member-twice": text("{", *joined(*members, members[-1]), "}"),
        **{f"value-{name}": valued(value) for name, value in _ODD.items()},
    }
    # What reads JSON is common to all routes of a server: few breaks show that a route is read by it.
    all_ = donor.step.operation.request in POOLS
    for table, expect, said in (
        (damaged, REFUSED, "no JSON is refused and harms nobody"),
        (lax, ADVISED, "JSON only to a lax reader is refused and harms nobody"),
        (odd, SURVIVED, "odd JSON harms nobody"),
    ):
        for name, raw in table.items():
            if not all_ and name not in _FEW:
                continue
            kind = name.replace("-", " ")
            yield f"json/{name}", f"A body that is {said} ({kind})", asking(donor, expect, raw=raw)


def _media(donor: Donor) -> Iterator[tuple[str, str, Step]]:
    body = donor.sent
    for name, media in (("text", "text/plain"), ("xml", "application/xml"), ("none", None)):
        step = asking(donor, {**SURVIVED, MAY: {"status": "4XX"}}, body=body, headers={"content-type": media})
        yield f"media-type/{name}", f"JSON under another media type harms nobody ({media or 'none'})", step
    form = asking(
        donor,
        {MUST: {"status": "4XX"}},
        raw="seatrial=1",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    yield "media-type/form", "A form is not taken for JSON", form


def _forms(donor: Donor) -> Iterator[tuple[str, str, Step]]:
    fields = {name: value for name, value in donor.sent.items() if isinstance(value, str)}
    rows = [f'--sea\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n' for name in fields]
    written = [part for row, value in zip(rows, fields.values(), strict=True) for part in (row, value, "\r\n")]
    media = "multipart/form-data; boundary=sea"
    for name, raw, type_ in (
        ("no-boundary", [*written, "--sea--\r\n"], "multipart/form-data"),
        ("other-boundary", [*written, "--sea--\r\n"], "multipart/form-data; boundary=trial"),
        ("no-disposition", ["--sea\r\n\r\nseatrial\r\n--sea--\r\n"], media),
        ("open-headers", ["--sea\r\nContent-Disposition: form-da"], media),
        ("empty", ["--sea--\r\n"], media),
        ("json", [{"$json": fields}], media),
        ("json-as-json", [{"$json": fields}], "application/json"),
    ):
        step = asking(donor, {MUST: {"status": "4XX"}}, raw={"$text": raw}, headers={"content-type": type_})
        yield f"form/{name}", f"A form that is none is refused and harms nobody ({name.replace('-', ' ')})", step


def _methods(donor: Donor) -> Iterator[tuple[str, str, Step]]:
    operation = donor.step.operation
    put = Operation(f"{operation.id}Put", "PUT", operation.path)
    expect: Expect = {MUST: {"status": ["4XX", 501]}, SHOULD: {"status": [404, 405, 501]}}
    step = replace(asking(donor, expect, **{donor.part: donor.sent}), operation=put)
    yield "method/put", f"{operation.path} cannot be put", step


def _sizes(donor: Donor) -> Iterator[tuple[str, str, Step]]:
    if donor.before:
        return
    raw = {"$text": [{"$repeat": " ", "times": _LARGE}, {"$json": donor.sent}]}
    step = asking(donor, {SHOULD: {"status": ["2XX", "4XX"]}}, raw=raw)
    yield "size/padded", "A body of 5 MB, most of it white space, is answered or refused in time", step
