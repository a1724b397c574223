"""Moderations: as many results as inputs, and results that do not contradict themselves. What is flagged is not judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_RESULTS = "openai#/components/schemas/CreateModerationResponse/properties/results"
_ROUND = 1e-6
"""What a score in single precision may be beyond its bounds."""


def _is_moderation(exchange: Exchange) -> bool:
    return exchange.operation.id == "createModeration" and view.is_ok(exchange)


def _results(exchange: Exchange) -> list[Mapping[str, Any]]:
    found = view.whole_answer(exchange).get("results")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Inconclusive("results is no list of objects")
    return found


def _table(result: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = result.get(name)
    if not isinstance(found, dict):
        raise Inconclusive(f"a result has no {name}")
    return found


@check("moderations.count", level=SHOULD, applies=_is_moderation, spec=_RESULTS)
def count(exchange: Exchange) -> Iterator[Finding]:
    """There is one result for each text of a list, and one for a single input of several parts."""
    given = exchange.request.get("input")
    texts = isinstance(given, list) and all(isinstance(item, str) for item in given)
    wanted, found = len(given) if texts else 1, len(_results(exchange))
    if found != wanted:
        yield Finding(str(wanted), str(found), "body /results")


@check("moderations.flagged", level=MUST, applies=_is_moderation, spec=_RESULTS)
def flagged(exchange: Exchange) -> Iterator[Finding]:
    """A result is flagged where one of its categories is, and only there."""
    for place, result in enumerate(_results(exchange)):
        flags = _table(result, "categories")
        if any(flag not in (True, False, None) for flag in flags.values()):
            raise Inconclusive("a category is no boolean")
        marked = sorted(name for name, flag in flags.items() if flag)
        if isinstance(result.get("flagged"), bool) and result["flagged"] != bool(marked):
            said = f"flagged {result['flagged']}, with categories {', '.join(marked) or 'none'}"
            yield Finding("flagged as its categories are", said.lower(), f"body /results/{place}/flagged")


@check("moderations.scores", level=SHOULD, applies=_is_moderation, spec=_RESULTS)
def scores(exchange: Exchange) -> Iterator[Finding]:
    """Each category that is judged has a score, from 0 to 1, and a flag is not a sign of a low one."""
    for place, result in enumerate(_results(exchange)):
        where, given = f"body /results/{place}/category_scores", _table(result, "category_scores")
        unscored = sorted(
            name for name, flag in _table(result, "categories").items() if flag is not None and name not in given
        )
        if unscored:
            yield Finding("a score for each category", f"none for {', '.join(unscored)}"[:120], where)
        for name, score in given.items():
            if isinstance(score, (int, float)) and not isinstance(score, bool) and not -_ROUND <= score <= 1 + _ROUND:
                yield Finding("0 to 1", f"{score:g} for {name}", where)
                break
        yield from _turned(_table(result, "categories"), given, where)


def _turned(flags: Mapping[str, Any], given: Mapping[str, Any], where: str) -> Iterator[Finding]:
    """What is flagged has a low score, and what is not a high one, all of it: no choice of bounds explains that."""
    scored = {name: score for name, score in given.items() if isinstance(score, (int, float))}
    marked = [score for name, score in scored.items() if flags.get(name) is True]
    others = [score for name, score in scored.items() if flags.get(name) is False]
    if marked and others and max(marked) < 0.5 < min(others):
        yield Finding("higher scores for what is flagged", f"at most {max(marked):g}, others {min(others):g}", where)


def _says_types(exchange: Exchange) -> bool:
    return _is_moderation(exchange) and b'"category_applied_input_types"' in exchange.body


@check("moderations.applied-input-types", level=SHOULD, applies=_says_types, spec=_RESULTS)
def applied_input_types(exchange: Exchange) -> Iterator[Finding]:
    """A score applies to types of input that the request had, and what is flagged to at least one."""
    given = exchange.request.get("input")
    parts = [part.get("type") for part in given if isinstance(part, dict)] if isinstance(given, list) else []
    sent = {"image" if part == "image_url" else "text" for part in parts} or {"text"}
    for place, result in enumerate(_results(exchange)):
        for name, types in _table(result, "category_applied_input_types").items():
            more = sorted({str(kind) for kind in types} - sent) if isinstance(types, list) else []
            none = types == [] and _table(result, "categories").get(name) is True
            if more or none:
                where = f"body /results/{place}/category_applied_input_types/{name}"
                yield Finding(" and ".join(sorted(sent)), ", ".join(more) or "none, of what is flagged", where)
                return


def _alone(exchanges: Sequence[Exchange]) -> dict[tuple[Any, str], Exchange]:
    """By model and text, each request that judges one text."""
    made = [one for one in exchanges if _is_moderation(one) and isinstance(one.request.get("input"), str)]
    return {(one.request.get("model"), one.request.get("input")): one for one in made}


def _lists(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, list[Exchange]]]:
    """(list, singles): each list of texts of which every one was judged alone as well."""
    alone = _alone(exchanges)
    found = []
    for exchange in exchanges:
        given = exchange.request.get("input") if _is_moderation(exchange) else None
        if isinstance(given, list) and len(given) > 1 and all(isinstance(text, str) for text in given):
            singles = [alone.get((exchange.request.get("model"), text)) for text in given]
            if None not in singles:
                found.append((exchange, [one for one in singles if one is not None]))
    return found


@relation("moderations.list-in-order", level=SHOULD, applies=lambda exchanges: bool(_lists(exchanges)), spec=_RESULTS)
def list_in_order(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The results of a list are those of its texts, in their order: each text is flagged as it is alone."""

    def judge(pair: tuple[Exchange, list[Exchange]]) -> Iterator[Finding]:
        whole, singles = pair
        listed = [row.get("flagged") for row in _results(whole)]
        alone = [_results(one)[0].get("flagged") if _results(one) else None for one in singles]
        if len(listed) != len(alone):
            raise Inconclusive("there are more or fewer results than texts, which moderations.count judges")
        rows = [{name: row.get(name) for name in ("categories", "category_scores")} for row in _results(whole)]
        certain = all(score in (0, 1) for score in _table(rows[0], "category_scores").values())
        if len(set(alone)) > 1 and not certain and all(row == rows[0] for row in rows):
            yield Finding(f"flagged {alone}".lower(), "one result again and again", f"exchange {whole.number} /results")
            return
        if len(set(alone)) < 2:
            raise Inconclusive("the judge holds all texts alike")
        # A judge may change its mind about one text; that it does so about two at once is no chance.
        if listed != alone and sorted(map(str, listed)) == sorted(map(str, alone)):
            yield Finding(f"flagged {alone}".lower(), f"{listed}".lower(), f"exchange {whole.number} /results")

    return view.each(_lists(exchanges), judge)
