"""Defects and variants of moderations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.audio import error_instead
from seatrial.server.plants.shape import defect, result, variant

JUDGE = "POST /moderations"
_AREA = "moderations"


def each(change: Callable[[Json], Any]) -> Callable[[str, Json, Any], Any]:
    """Changes each result."""
    return result(lambda made: [change(row) for row in made.get("results", ())], JUDGE)


def _percent(row: Json) -> None:
    row["category_scores"] = {name: 100 * score for name, score in row["category_scores"].items()}


def _pictures(row: Json) -> None:
    for name, kinds in row["category_applied_input_types"].items():
        if kinds == ["text"]:
            row["category_applied_input_types"][name] = ["text", "image"]


def _underscores(row: Json) -> None:
    for table in ("categories", "category_scores"):
        row[table] = {name.replace("/", "_").replace("-", "_"): value for name, value in row[table].items()}


def _flag_words(row: Json) -> None:
    row["categories"] = {name: "true" if flag else "false" for name, flag in row["categories"].items()}


def _older(row: Json) -> None:
    """As a model of texts answers, which knows no illicit acts."""
    row.pop("category_applied_input_types", None)
    for table in ("categories", "category_scores"):
        row[table] = {name: value for name, value in row[table].items() if not name.startswith("illicit")}


def _unjudged(row: Json) -> None:
    for table in ("categories", "category_scores"):
        row[table] |= {"illicit": None, "illicit/violent": None}
    row["flagged"] = any(row["categories"].values())


def _more(row: Json) -> None:
    row["categories"]["piracy"] = False
    row["category_scores"]["piracy"] = 0


def _certain(row: Json) -> None:
    row["category_scores"] = {name: int(bool(flag)) for name, flag in row["categories"].items()}


PLANTS = (
    defect("moderations.count/one", _AREA, "one result for a whole list", "moderations.count", level="SHOULD",
           result=result(lambda made: made.update(results=made["results"][:1]), JUDGE)),
    defect("moderations.flagged/never", _AREA, "nothing is ever flagged", "moderations.flagged",
           result=each(lambda row: row.update(flagged=False))),
    defect("moderations.flagged/always", _AREA, "everything is flagged", "moderations.flagged",
           result=each(lambda row: row.update(flagged=True))),
    defect("moderations.scores/percent", _AREA, "scores are percentages", "moderations.scores", level="SHOULD",
           result=each(_percent)),
    defect("moderations.scores/some", _AREA, "a category has no score", "moderations.scores", "wire.body-schema",
           level="SHOULD", result=each(lambda row: row["category_scores"].pop("violence", None))),
    defect("moderations.applied-input-types/pictures", _AREA, "a picture is judged that was not sent",
           "moderations.applied-input-types", level="SHOULD", result=each(_pictures)),
    defect("moderations.schema/underscores", _AREA, "categories are written with underscores", "wire.body-schema",
           result=each(_underscores)),
    defect("moderations.schema/words", _AREA, "categories are words instead of booleans", "wire.body-schema",
           result=each(_flag_words)),
    defect("moderations.schema/no-id", _AREA, "a moderation has no id", "wire.body-schema",
           result=result(lambda made: made.pop("id", None), JUDGE)),
    defect("moderations.invalid/taken", _AREA, "an input that is none is taken", "*/must/status",
           body=lambda route, body: {**body, "input": "Hello"} if route == JUDGE and body.get("input") == 5 else body),
    defect("errors.not-in-200/moderations", _AREA, "a moderation is an error with status 200", "errors.not-in-200",
           "moderations.*", "*/must/body", result=result(error_instead, JUDGE)),
    variant("moderation-of-texts", "A judge of texts only", result=each(_older)),
    variant("moderation-nulls", "Categories that are not judged are null", result=each(_unjudged)),
    variant("moderation-more", "A category of its own", result=each(_more)),
    variant("moderation-certain", "Scores of 0 and 1", result=each(_certain)),
)  # fmt: skip
