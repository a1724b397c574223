"""Several requests in flight at once: each is answered as it would be alone, and a long one lets the others through."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial import run
from seatrial.generate.donor import SOURCE, asking, donors
from seatrial.generate.shape import document, keywords
from seatrial.judge import mark, relate
from seatrial.model import MUST, Case, Scenario, Step, Verdict
from seatrial.play import Player

PREFIX = "generated.crowd"
ROW = "together"
ASKED = 8
"""Requests for a word each."""
LOOKS = (0.4, 1.2)
"""Seconds after which the models are asked for, while an answer that takes its time is on its way."""
AT_ONCE = ASKED + 1 + len(LOOKS)
_WORDS: Mapping[str, Callable[[str], Any]] = {
    "openai/chat-request.json": lambda text: {"messages": [{"role": "user", "content": text}]},
    "openai/completion-request.json": lambda text: {"prompt": text},
}


def scenarios(known: Iterable[Scenario]) -> Iterator[Scenario]:
    """For each operation that speaks, requests for a word each, half of them streamed, and around them a long stream
    and looks at the models; played one after another.
    """
    known = list(known)
    operations = (step.operation for scenario in known for step in scenario.steps)
    models = next((one for one in operations if one.id == "listModels"), None)
    for id, donor in donors(known).items():
        schema = str(donor.step.operation.request)
        if schema not in _WORDS or donor.before:
            continue
        streams = "stream" in keywords(document(schema)).get("properties", {})
        steps: list[Step] = []
        for number in range(ASKED):
            word = f"mark-{hashlib.blake2s(f'{id}/{number}'.encode(), digest_size=4).hexdigest()}"
            body = {**donor.sent, **_WORDS[schema](f"Repeat this word: {word}"), "max_tokens": 24}
            body |= {"stream": True} if streams and number % 2 else {}
            step = asking(donor, {MUST: {"status": 200}}, body=body)
            steps.append(replace(step, id=f"ask-{number + 1}", probe=False))
        if streams and models is not None:
            # By their clocks alone it is told whether these looks had to wait for the end of that stream.
            body = {**donor.sent, **_WORDS[schema]("Count from one to one hundred."), "max_tokens": 128, "stream": True}
            steps.append(replace(asking(donor, {MUST: {"status": 200}}, body=body), id="long", probe=False))
            steps += [Step(f"look-{n}", models, {"pause": pause}, {}, {}) for n, pause in enumerate(LOOKS, 1)]
        yield replace(
            donor.scenario,
            id=f"{PREFIX}/{id}",
            title=f"{len(steps)} requests to {id} are each answered by themselves",
            source=SOURCE,
            tier="nightly",
            inputs={},
            steps=tuple(steps),
        )


@dataclass(slots=True)
class _Lines:
    """The lines of one player; its exchanges go to the run's record at once."""

    sink: run.Sink | None
    exchanges: list[Mapping[str, Any]] = field(default_factory=list)

    def write(self, line: Mapping[str, Any]) -> None:
        if line["type"] == "exchange":
            self.exchanges.append(line)
            if self.sink is not None:
                self.sink.write(line)


def play(scenario: Scenario, players: list[Player], record: run.Sink | None) -> list[Verdict]:
    """Plays the steps of a scenario at once, each by a player of its own, and gives every verdict; all is recorded."""
    whole = Case(replace(scenario, inputs={ROW: {}}), ROW)
    lines = [_Lines(record) for _ in scenario.steps]

    def one(number: int) -> list[Verdict]:
        players[number].record = lines[number]
        return players[number].play(Case(replace(whole.scenario, steps=(scenario.steps[number],)), ROW))

    with ThreadPoolExecutor(len(scenario.steps)) as pool:
        verdicts = [verdict for found in pool.map(one, range(len(scenario.steps))) for verdict in found]
    first = players[0]
    exchanges = [run.exchange_from(line, first.operations) for each in lines for line in each.exchanges]
    verdicts += [mark(verdict, first.target.profile.known) for verdict in relate(whole, exchanges, first.checks)]
    if record is not None:
        for verdict in verdicts:
            record.write(run.verdict_line(verdict))
        judged = [exchange.number for exchange in exchanges]
        record.write({"type": "case", "id": whole.id, "judged": judged, "taken": []})
    return verdicts
