"""Defects of the bytes of a stream."""

from __future__ import annotations

from seatrial.server.plants.shape import (
    defect,
    every,
    framing,
)

PLANTS = (
    defect(
        "NC-SSE-01",
        "SSE framing",
        "no [DONE]",
        "stream.done-sentinel",
        source="ikawrakow/ik_llama.cpp#467",
        events=framing(lambda pieces: pieces[:-1]),
    ),
    defect(
        "stream.done-sentinel/named",
        "SSE framing",
        "the sentinel is an event of another name and data",
        "stream.done-sentinel",
        events=framing(lambda pieces: [*pieces[:-1], b": done\n\n"]),
    ),
    defect(
        "NC-SSE-03",
        "SSE framing",
        "the connection stays open after [DONE]",
        "sse.closes",
        source="diegosouzapw/OmniRoute#6777",
        events=framing(lambda pieces: [*pieces, 120.0]),
    ),
    defect(
        "sse.closes/after-terminal",
        "SSE framing",
        "no [DONE], and the connection stays open",
        "sse.closes",
        "stream.done-sentinel",
        events=framing(lambda pieces: [*pieces[:-1], 120.0]),
    ),
    defect(
        "NC-SSE-05",
        "SSE framing",
        "events are glued: one line end between them",
        "sse.data-is-json",
        source="ggml-org/llama.cpp#14268",
        events=framing(
            lambda pieces: [b"".join(p[:-1] if i % 2 else p for i, p in enumerate(pieces[:-1], 1)) + b"\n" + pieces[-1]]
        ),
    ),
    defect(
        "NC-SSE-07",
        "SSE framing",
        "chunks are named events",
        "sse.unnamed-events",
        level="SHOULD",
        source="mudler/LocalAI#340",
        events=every(lambda piece: b"event: completion\n" + piece),
    ),
    defect(
        "NC-SSE-09",
        "SSE framing",
        "the body is cut in the middle of a line",
        "sse.last-event-terminated",
        "stream.done-sentinel",
        "stream.one-terminal",
        "stream.usage-chunk",
        "stream.equals-plain",
        "*/stream/*",
        "*/tools.*",
        "sse.data-is-json",
        "http.answered",
        source="bestruirui/octopus#73",
        events=framing(lambda pieces: [b"".join(pieces)[: len(b"".join(pieces)) * 2 // 3]]),
    ),
    defect(
        "sse.no-lost-lines/bare-json",
        "SSE framing",
        "a chunk comes without data:",
        "sse.no-lost-lines",
        events=framing(lambda pieces: [pieces[0], pieces[1].removeprefix(b"data: "), *pieces[1:]]),
    ),
    defect(
        "sse.utf8/latin-1",
        "SSE framing",
        "a comment in Latin-1",
        "sse.utf8",
        events=framing(lambda pieces: [b": caf\xe9\n\n", *pieces]),
    ),
    defect(
        "sse.data-is-json/two-in-one",
        "SSE framing",
        "two chunks in one data line",
        "sse.data-is-json",
        events=framing(lambda pieces: [pieces[0][:-2] + pieces[0].removeprefix(b"data: "), *pieces[1:]]),
    ),
    defect(
        "sse.last-event-terminated/no-blank-line",
        "SSE framing",
        "the last event has no blank line",
        "sse.last-event-terminated",
        "stream.done-sentinel",
        events=framing(lambda pieces: [*pieces[:-1], pieces[-1][:-1]]),
    ),
)
