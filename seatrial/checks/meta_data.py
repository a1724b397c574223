"""The `meta_data` of models, as the Telekom service lists it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import SHOULD, Exchange, Finding

_FIRST = frozenset({"max_sequence_length", "hidden_size", "max_output_length"})
_COMMON = _FIRST | {
    "model_type",
    "source_type",
    "deployment_region",
    "location",
    "license",
    "display_name",
    "deployment_country",
    "input_modalities",
    "output_modalities",
    "is_externally_hosted",
}
GENERATIONS = (_FIRST, _COMMON | {"end_of_life_date"}, _COMMON | {"model_lifecycle_stage"})
"""The members of the three generations that the service has had: 3, 14 and 14."""
_SIZES = ("max_sequence_length", "hidden_size", "max_output_length")
_TEXTS = ("model_type", "source_type", "deployment_region", "location", "license", "display_name", "deployment_country")
_LISTS = ("input_modalities", "output_modalities")


def _described(exchange: Exchange) -> Iterator[tuple[int, Mapping[str, Any], Mapping[str, Any]]]:
    """Place, model and meta_data of each listed model that has any."""
    data = view.whole_answer(exchange).get("data")
    for place, model in enumerate(data if isinstance(data, list) else ()):
        meta = model.get("meta_data") if isinstance(model, dict) else None
        if isinstance(meta, dict) and meta:
            yield place, model, meta


def _lists_meta_data(exchange: Exchange) -> bool:
    return exchange.operation.id == "listModels" and view.is_ok(exchange) and b'"meta_data"' in exchange.body


@check("models.meta-data", level=SHOULD, applies=_lists_meta_data, spec="telekom#models")
def meta_data(exchange: Exchange) -> Iterator[Finding]:
    """A model's meta_data has the members of one of its generations; lengths are whole numbers from 0 (0: unknown)."""
    seen = False
    for place, _, meta in _described(exchange):
        seen = True
        where = f"body /data/{place}/meta_data"
        later = meta.keys() & (_COMMON - _FIRST)  # a model of the first generation has none of these
        allowed = GENERATIONS[1:] if later else GENERATIONS
        if not any(generation <= meta.keys() for generation in allowed):
            nearest = min(allowed, key=lambda generation: len(generation - meta.keys()))
            yield Finding("members " + ", ".join(sorted(nearest - meta.keys())), "absent", where)
        for name in _SIZES:
            size = meta.get(name, 0)
            if not isinstance(size, int) or isinstance(size, bool) or size < 0:
                yield Finding("a whole number from 0", repr(size)[:60], f"{where}/{name}")
        for name in _TEXTS:
            if not isinstance(meta.get(name), (str, type(None))):
                yield Finding("a string, or null", repr(meta[name])[:60], f"{where}/{name}")
        if not isinstance(meta.get("is_externally_hosted"), (bool, type(None))):
            yield Finding(
                "a boolean, or null", repr(meta["is_externally_hosted"])[:60], f"{where}/is_externally_hosted"
            )
        for name in _LISTS:
            value = meta.get(name)
            if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
                yield Finding("a list of strings, or null", repr(value)[:60], f"{where}/{name}")
    if not seen:
        raise Inconclusive("no model has meta_data")


def _listing_and_vectors(exchanges: Sequence[Exchange]) -> tuple[list[Exchange], list[Exchange]]:
    lists = [x for x in exchanges if _lists_meta_data(x)]
    return lists, [x for x in exchanges if x.operation.id == "createEmbedding" and view.is_ok(x)]


@relation(
    "models.hidden-size",
    level=SHOULD,
    applies=lambda exchanges: all(_listing_and_vectors(exchanges)),
    spec="telekom#models",
)
def hidden_size(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The hidden_size of an embedding model is the length of its vectors, where it is not 0."""
    lists, embedded = _listing_and_vectors(exchanges)
    sizes = {model.get("id"): meta.get("hidden_size") for _, model, meta in _described(lists[0])}
    judged = False
    for exchange in embedded:
        size = sizes.get(exchange.request.get("model"))
        rows = view.whole_answer(exchange).get("data")
        vector = rows[0].get("embedding") if isinstance(rows, list) and rows and isinstance(rows[0], dict) else None
        if not isinstance(size, int) or not size or not isinstance(vector, list):
            continue
        if exchange.request.get("dimensions") is not None:
            continue
        judged = True
        if len(vector) != size:
            yield Finding(f"{size} numbers, as hidden_size says", f"{len(vector)}", "body /data/0/embedding")
    if not judged:
        raise Inconclusive("the model's hidden_size is not known")


def _listing_and_images(exchanges: Sequence[Exchange]) -> tuple[list[Exchange], list[Exchange]]:
    lists = [x for x in exchanges if _lists_meta_data(x)]
    settled = [x for x in exchanges if view.has_image(x) and (view.is_ok(x) or x.status in (400, 415, 422))]
    return lists, settled


@relation(
    "models.modalities",
    level=SHOULD,
    applies=lambda exchanges: all(_listing_and_images(exchanges)),
    spec="telekom#models",
)
def modalities(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A model takes images where its input_modalities name them, and refuses them where they name others alone."""
    lists, asked = _listing_and_images(exchanges)
    said = {model.get("id"): (place, meta.get("input_modalities")) for place, model, meta in _described(lists[0])}
    judged = False
    for exchange in asked:
        place, named = said.get(exchange.request.get("model"), (0, None))
        if not isinstance(named, list) or not named:
            continue
        judged = True
        if ("image" in named) != view.is_ok(exchange):
            did = "accepted" if view.is_ok(exchange) else f"refused with {exchange.status}"
            yield Finding(f"images as input_modalities {named} say", did, f"body /data/{place}/meta_data")
    if not judged:
        raise Inconclusive("the model's modalities are not known")
