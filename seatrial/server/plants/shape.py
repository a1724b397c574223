"""Small pieces that plants are made of: where a change is to be made, and what it is."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from seatrial.server.plant import Json, Piece, Plant

CHAT, COMPLETIONS, EMBEDDINGS = "/chat/completions", "/completions", "/embeddings"
GENERATIONS = (CHAT, COMPLETIONS)
Change = Callable[[Json], Any]


def defect(id: str, area: str, summary: str, *trips: str, level: str = "MUST", source: str = "", **hooks: Any) -> Plant:
    """A planted defect that trips these checks."""
    return Plant(id, "defect", area, summary, trips, level, source, **hooks)


def variant(name: str, summary: str, **hooks: Any) -> Plant:
    """A legal variant that nothing may accuse."""
    return Plant(f"legal.{name}", "variant", "legal", summary, (), "", "", **hooks)


def meta_data(change: Change) -> Callable[[str, Json, Any], Any]:
    """Changes the `meta_data` of each model that is shown."""

    def each(made: Json) -> None:
        for model in made.get("data", [made]):
            if model.get("meta_data"):
                change(model["meta_data"])

    return result(each, "/models", "/models/{model}")


def only(made: Json, **values: Any) -> None:
    """Sets those members that are there."""
    made.update({name: value for name, value in values.items() if name in made})


def result(change: Change, *routes: str) -> Callable[[str, Json, Any], Any]:
    """Changes plain answers of these routes (all, where none is named)."""

    def hook(route: str, body: Json, made: Any) -> Any:
        if (not routes or route in routes) and isinstance(made, dict):
            made = copy.deepcopy(made)
            change(made)
        return made

    return hook


def result_of(change: Callable[[Json, Json], Any], *routes: str) -> Callable[[str, Json, Any], Any]:
    """Like `result`, for a change that also looks at the request."""

    def hook(route: str, body: Json, made: Any) -> Any:
        if (not routes or route in routes) and isinstance(made, dict):
            made = copy.deepcopy(made)
            change(body, made)
        return made

    return hook


def each_chunk(
    change: Callable[[int, Json], Any], *routes: str
) -> Callable[[str, Json, Iterator[Json]], Iterable[Json]]:
    """Changes chunks of these routes (chat and legacy completions, where none is named) by their place."""

    def hook(route: str, body: Json, chunks: Iterator[Json]) -> Iterator[Json]:
        for place, chunk in enumerate(chunks):
            if route in (routes or GENERATIONS):
                change(place, chunk)
            yield chunk

    return hook


def all_chunks(
    change: Callable[[Json, list[Json]], list[Json]], *routes: str
) -> Callable[[str, Json, Iterator[Json]], Iterable[Json]]:
    """Changes a stream of these routes (chat and legacy completions, where none is named) as a list."""

    def hook(route: str, body: Json, chunks: Iterator[Json]) -> Iterable[Json]:
        return change(body, list(chunks)) if route in (routes or GENERATIONS) else chunks

    return hook


def choices(change: Change) -> Change:
    """Changes each choice of a plain answer."""

    def hook(made: Json) -> None:
        for choice in made.get("choices", ()):
            change(choice)

    return hook


def calls(change: Callable[[int, Json], Any]) -> Change:
    """Changes each call of a function of each choice of a plain answer."""

    def hook(made: Json) -> None:
        for choice in made.get("choices", ()):
            for place, call in enumerate(choice["message"].get("tool_calls") or ()):
                if "function" in call:
                    change(place, call)

    return hook


def delta_calls(change: Callable[[bool, Json], Any]) -> Callable[[str, Json, Iterator[Json]], Iterable[Json]]:
    """Changes each tool-call delta; told whether it is the first of its call."""

    def hook(route: str, body: Json, chunks: Iterator[Json]) -> Iterator[Json]:
        for chunk in chunks:
            for choice in chunk.get("choices", ()):
                for call in choice.get("delta", {}).get("tool_calls") or ():
                    change("id" in call, call)
            yield chunk

    return hook


def ignoring(*names: str, route: str = "") -> Callable[[str, Json], Json]:
    """Drops parameters as if they had not been sent."""

    def hook(at: str, body: Json) -> Json:
        if route and at != route:
            return body
        return {name: value for name, value in body.items() if name not in names}

    return hook


def accepting(*names: str) -> Callable[[str, str, Json], bool]:
    """Takes what is refused of these parameters, and goes on without them."""
    return lambda route, param, body: param.split(".")[0].split("[")[0] in names


def framing(
    change: Callable[[list[bytes]], Iterable[Piece]], everywhere: bool = False
) -> Callable[[str, Json, Iterator[Piece]], Iterable[Piece]]:
    """Changes the events of chat and legacy completions (of `everywhere`, any stream) as bytes, without waits."""

    def hook(route: str, body: Json, pieces: Iterator[Piece]) -> Iterable[Piece]:
        if not everywhere and route not in GENERATIONS:
            return pieces
        return change([piece for piece in pieces if isinstance(piece, bytes)])

    return hook


def every(change: Callable[[bytes], bytes]) -> Callable[[str, Json, Iterator[Piece]], Iterable[Piece]]:
    """Changes each event's bytes, one by one as they come."""

    def hook(route: str, body: Json, pieces: Iterator[Piece]) -> Iterator[Piece]:
        for piece in pieces:
            yield change(piece) if isinstance(piece, bytes) else piece

    return hook


def data_of(piece: bytes) -> tuple[bytes, bytes]:
    """What an event has before its data, and its data; none of a comment and of `[DONE]`."""
    lines = piece.removesuffix(b"\n\n").split(b"\n")
    data = b"\n".join(line[6:] for line in lines if line.startswith(b"data: "))
    head = b"".join(line + b"\n" for line in lines if not line.startswith(b"data: "))
    return head, b"" if data == b"[DONE]" else data


def text_piece(chunk: Json) -> str:
    """The text that a chunk adds to its first choice."""
    choice = (chunk.get("choices") or [{}])[0]
    return str(choice.get("delta", {}).get("content") or choice.get("text") or "")


def without(*names: str) -> Any:
    return lambda made: [made.pop(name, None) for name in names]


def rows(change: Any) -> Any:
    return lambda made: [change(row) for row in made["data"]]


def content_in_terminal(body: Json, chunks: list[Json]) -> list[Json]:
    """The last content of each choice moves into its terminal chunk."""
    made: list[Json] = []
    last: dict[int, Json] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            before = last.get(choice["index"])
            if choice["finish_reason"] and before is not None and text_piece(before) and "delta" in choice:
                choice["delta"] = before["choices"][0]["delta"]
                choice["logprobs"] = before["choices"][0].get("logprobs")
                made = [one for one in made if one is not before]  # not another that says the same
            last[choice["index"]] = chunk
        made.append(chunk)
    return made
