"""What is asked: lengths of prompts and outputs, shared prefixes, sessions, the user's prompts, traces."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial import files, home
from seatrial.model import Invalid

_WORDS = (  # noqa: SIM905 a list of these would be a page
    "river stone window garden paper market bridge signal copper winter morning letter engine harbor forest silver "
    "number planet circle island summer ticket valley button castle driver flower guitar helmet insect jacket kettle "
    "ladder mirror needle orange pencil quartz rocket saddle tunnel velvet walnut yellow zipper anchor basket candle"
).split()

Draw = int | float | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One request to be sent: its prompt (text, or messages), its output length in tokens, seconds to think after."""

    prompt: str | list[dict[str, Any]]
    output_tokens: int | None = None
    think_s: float = 0.0
    at_s: float | None = None  # planned offset, in a trace


def draw(rng: random.Random, what: Draw) -> float:
    """A number of that distribution."""
    if isinstance(what, (int, float)):
        return float(what)
    (kind, given), *_ = what.items()
    if kind == "uniform":
        return float(rng.uniform(given[0], given[1]))
    if kind == "choice":
        return float(rng.choice(given))
    if kind == "exponential":
        return float(rng.expovariate(1 / given)) if given else 0.0
    value = (
        rng.gauss(given["mean"], given["stddev"])
        if kind == "normal"
        else rng.lognormvariate(given["mu"], given["sigma"])
    )
    return float(min(max(value, given.get("min", 0)), given.get("max", 1e9)))


@dataclass(slots=True)
class Workload:
    """A source of turns. The same seed gives the same turns."""

    name: str = "chat"
    prompt_tokens: Draw = 64
    output_tokens: Draw | None = None
    shared_prefix: Mapping[str, Any] = field(default_factory=dict)
    sessions: Mapping[str, Any] = field(default_factory=dict)
    prompts: list[Turn] = field(default_factory=list)
    trace: list[Turn] = field(default_factory=list)

    def turn(self, rng: random.Random, number: int) -> Turn:
        """The request of that number. Its words are tokens to a fair approximation."""
        output = None if self.output_tokens is None else max(1, round(draw(rng, self.output_tokens)))
        if self.trace:
            return self.trace[number % len(self.trace)]
        if self.prompts:
            turn = self.prompts[number % len(self.prompts)]
            return turn if turn.output_tokens else Turn(turn.prompt, output)
        count = max(1, round(draw(rng, self.prompt_tokens)))
        return Turn(self._text(rng, count), output)

    def _text(self, rng: random.Random, count: int) -> str:
        words: list[str] = []
        if self.shared_prefix and rng.random() < self.shared_prefix["share"]:
            words = [_WORDS[i % len(_WORDS)] for i in range(min(int(self.shared_prefix["tokens"]), count))]
        return " ".join(words + rng.choices(_WORDS, k=count - len(words)))

    def session(self, rng: random.Random, number: int) -> Iterator[Turn]:
        """The turns of one user's session, each with the seconds to think before the next."""
        turns = max(1, round(draw(rng, self.sessions.get("turns", 1))))
        think = self.sessions.get("think_s", 0)
        for index in range(turns):
            turn = self.turn(rng, number + index)
            yield Turn(turn.prompt, turn.output_tokens, draw(rng, think) if index < turns - 1 else 0.0)


def load(name: str) -> Workload:
    """The workload of that name (beside the load profiles) or file. Raises Invalid with file and place."""
    path = Path(name)
    own = path.suffix not in (".yaml", ".yml")
    if own:
        path = home.folder("locustfiles") / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in home.folder("locustfiles").glob("*.yaml")))
        raise Invalid(name, "", f"there is no such workload; there are {known}, or give a file")
    if own:  # ours is proven by a test; to prove it again costs start-up
        data = files.trusted(path.read_text("utf-8"))
    else:
        data = files.read(path, "workload.schema.json").data
    workload = Workload(path.stem)
    for key in ("prompt_tokens", "output_tokens", "shared_prefix", "sessions"):
        if key in data:
            setattr(workload, key, data[key])
    if "prompts" in data:
        workload.prompts = list(_prompts(path.parent / data["prompts"]))
    if "trace" in data:
        workload.trace = list(_trace(path.parent / data["trace"], data.get("trace_speed", 1.0)))
    return workload


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8") as source:
            for number, line in enumerate(source, 1):
                if line.strip():
                    yield number, line
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(str(path), "", f"cannot be read: {error}") from None


def _prompts(path: Path) -> Iterator[Turn]:
    found = False
    for number, line in _lines(path):
        try:
            row = json.loads(line)
            prompt = row if isinstance(row, str) else row.get("messages") or row["prompt"]
            if not prompt or not isinstance(prompt, (str, list)):
                raise ValueError
            if not isinstance(prompt, str) and not all(isinstance(one, dict) and one.get("role") for one in prompt):
                raise ValueError
            if not isinstance(prompt, str) and "content" not in prompt[-1]:
                raise ValueError
            output = None if isinstance(row, str) else row.get("output_tokens") or row.get("max_tokens")
            yield Turn(prompt, output)
            found = True
        except (ValueError, KeyError, AttributeError):
            raise Invalid(
                f"{path}:{number}",
                "",
                'expected a JSON line: a string, {"prompt": ...} or {"messages": [{"role": ..., "content": ...}, ...]}',
            ) from None
    if not found:
        raise Invalid(str(path), "", "holds no prompt")


_TIME = ("timestamp", "TIMESTAMP", "arrival", "arrival_time", "at_s")
_INPUT = ("input_length", "ContextTokens", "prompt_tokens", "input_tokens")
_OUTPUT = ("output_length", "GeneratedTokens", "output_tokens", "completion_tokens")


def _trace(path: Path, speed: float) -> Iterator[Turn]:
    """A trace: arrival times and lengths, as JSON lines (`timestamp` in milliseconds, `input_length`, `output_length`)
    or CSV (`TIMESTAMP` as date and time or seconds, `ContextTokens`, `GeneratedTokens`)."""
    rng = random.Random(0)  # noqa: S311 not a secret
    rows: list[tuple[float, int, int]] = []
    lines = list(_lines(path))
    table = path.suffix == ".csv"
    source: Any = csv.DictReader(line for _, line in lines) if table else (line for _, line in lines)
    for index, raw in enumerate(source):
        number = lines[index + 1 if table else index][0]
        try:
            row = raw if table else json.loads(raw)
            time = next(row[n] for n in _TIME if n in row)
            size = next(row[n] for n in _INPUT if n in row)
            output = next(row[n] for n in _OUTPUT if n in row)
            rows.append((_seconds(time, 0.001 if not table and "timestamp" in row else 1.0), int(size), int(output)))
        except (ValueError, StopIteration, TypeError, AttributeError):
            raise Invalid(
                f"{path}:{number}", "", "expected an arrival time, an input length and an output length"
            ) from None
    if not rows:
        raise Invalid(str(path), "", "holds no request")
    rows.sort()
    start = rows[0][0]
    for at, size, output in rows:
        text = " ".join(rng.choices(_WORDS, k=max(1, size)))
        yield Turn(text, max(1, output), at_s=(at - start) / speed)


def _seconds(value: Any, unit: float) -> float:
    if isinstance(value, (int, float)):
        return value * unit
    try:
        return float(value) * unit
    except ValueError:
        from datetime import datetime

        return datetime.fromisoformat(str(value).strip()[:26]).timestamp()
