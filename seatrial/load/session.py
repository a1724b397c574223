"""One load test in one process, bound to a Locust environment: it hands out requests and adds up what came of them.

The same object serves a single process, a worker (which sends its records to the master) and a master (which asks
nothing itself, and writes the results).
"""

from __future__ import annotations

import gc
import os
import random
import re
import sys
from collections import deque
from time import perf_counter_ns, time
from typing import Any

import gevent
import orjson
from locust.runners import MasterRunner, WorkerRunner

from seatrial.load import discover, slo, tables, workload
from seatrial.load.address import Address
from seatrial.load.ask import Ask, Writer
from seatrial.load.audit import Audit
from seatrial.load.call import Call, Calls
from seatrial.load.keep import Keep
from seatrial.load.measure import Measure
from seatrial.load.options import Options
from seatrial.load.profile import Phase, Profile
from seatrial.load.rates import spans
from seatrial.load.reading import dialects
from seatrial.load.record import Record, recorded
from seatrial.load.result import Sink
from seatrial.load.wire import Pool
from seatrial.model import Invalid

_SLICE_NS = 600_000
"""How long results may be added up before streams are read again: what the reader may be late by."""
_LEAD_S = 0.05
"""How long before its planned time a request of the open loop sees to its connection."""


class Session:
    """A load test under way."""

    def __init__(self, environment: Any, profile: Profile, options: Options) -> None:
        self.environment, self.profile, self.options = environment, profile, options
        self.slo = slo.load(options.slo)
        self.workload = workload.load(options.workload or profile.workload)
        self.phases = profile.plan(options)
        self.address = Address.of(options.url)
        self.key = os.environ.get(options.api_key_env) or None
        if self.key and not re.fullmatch(r"[\x21-\x7e]+", self.key):
            raise Invalid(options.api_key_env, "", "holds a key with characters that no header can carry")
        self.quota = profile.quota(options)
        if self.quota is not None and options.warmup is None:  # every request counts where they are counted out
            self.phases = [phase for phase in self.phases if phase.counted]
        self.calls = Calls(options.limits)
        self.pool = Pool(self.address, options.connect_timeout, not options.insecure, not options.no_reuse)
        self.measure = Measure(self.slo.goodput, spans(self.phases, self.quota is not None))
        self.audit = Audit()
        self.keep = Keep(options.keep, options.seed)
        self.sink: Sink | None = None
        self.started_ns = 0
        self.started_at = 0.0
        self.stopping = False
        self.interrupted = False
        self.aborted = ""
        self.fault = ""
        self.lost_workers: list[str] = []
        self.done = gevent.event.Event()
        self.gauges: dict[str, float] = {}
        self.extra: dict[str, Any] = {}
        self.extras: dict[str, dict[str, Any]] = {}
        self.concluded = False
        self.driven = False  # by `seatrial load`, not by `locust -f`
        self._writers: dict[str, Writer] = {}
        self._number = 0
        self._ended: deque[Call] = deque()
        self._told, self._greenlets = list[tuple[Record, list[int]]](), list[Any]()
        self._workers: dict[str, dict[str, float]] = {}
        self._idle_workers: set[str] = set()
        self._asks = [ask for ask in profile.asks for _ in range(ask.weight)]
        self._count = None
        self.jobs: Any = None
        if profile.queue:
            from seatrial.load.queue import batch, jobs, pattern

            chosen = pattern.load(options.queue or profile.queue)
            self.jobs = batch.Batches(self, chosen) if chosen.batch else jobs.Jobs(self, chosen)
        if options.tokenizer:
            self._count = discover.tokenizer(options.tokenizer)

    # Roles.

    @property
    def worker(self) -> bool:
        """Whether another process adds the results up."""
        return isinstance(self.environment.runner, WorkerRunner)

    @property
    def master(self) -> bool:
        """Whether other processes ask."""
        return isinstance(self.environment.runner, MasterRunner)

    @property
    def place(self) -> int:
        """This worker's number; 0 in a single process."""
        return max(0, self.environment.runner.worker_index) if self.worker else 0

    # Start and end.

    def prepare(self) -> None:
        """Finds the model where none was named, and builds every request but its prompt. Raises Unreachable."""
        if self.options.model is None:
            self.options.model = discover.first_model(self)
        if self.jobs is not None:
            self.jobs.prepare()
            return
        for ask in self.profile.asks:
            self._writers[ask.name] = Writer(ask, self.address, self.options.model, self.key, self.options)

    def start(self) -> None:
        """The clock runs."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)  # a full collection stops every clock
        self.started_ns, self.started_at = perf_counter_ns(), time()
        if not self.worker:
            self.sink = self.sink or Sink(self.options.out, self.profile.name)
        self._greenlets = [gevent.spawn(self._digest), gevent.spawn(self._watch)]
        self.audit.start()

    def finish(self) -> None:
        """Everything that was measured is added up and on disk."""
        self.stopping = True
        if not self.started_ns:
            return
        self.calls.end()
        gevent.sleep(0)
        if self.jobs is not None and not self.master:
            self.jobs.close()
        for greenlet in self._greenlets:
            greenlet.kill(block=False)
        while self._ended:
            self._settle(self._ended.popleft())
        self.audit.stop()
        self.pool.close()
        if self.sink is not None:
            self.sink.flush()

    # Time.

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return (perf_counter_ns() - self.started_ns) / 1e9 if self.started_ns else 0.0

    def phase(self, elapsed: float | None = None) -> Phase | None:
        """The phase of that second; None past the last."""
        left = self.elapsed if elapsed is None else elapsed
        for phase in self.phases:
            if left < phase.seconds:
                return phase
            left -= phase.seconds
        return self.phases[-1] if self.quota is not None else None

    @property
    def seconds(self) -> float:
        """How long all phases take."""
        return sum(phase.seconds for phase in self.phases)

    # Requests.

    def share(self) -> int | None:
        """How many of the quota's requests this process makes."""
        if self.quota is None:
            return None
        workers = max(1, self.options.workers)
        return self.quota // workers + (1 if self.place % workers < self.quota % workers else 0)

    def ticket(self) -> int | None:
        """The number of the next request, or None when there is to be no other."""
        share = self.share()
        if self.stopping or (share is not None and self._number >= share):
            return None
        self._number += 1
        return self._number - 1

    def rng(self, number: int) -> random.Random:
        """A generator of that request's own: the same in every run with the same seed."""
        return random.Random((self.options.seed * 1_000_003 + self.place) * 1_000_003 + number)  # noqa: S311

    def ask(self, number: int, rng: random.Random) -> Ask:
        """Which request has that number: each of a mix by its weight."""
        return self._asks[0] if len(self._asks) == 1 else rng.choice(self._asks)

    def call(self, ask: Ask, planned_ns: int = 0, keep_text: bool = False) -> Call:
        """A call that belongs to the phase of its planned time, or of now."""
        at = (planned_ns - self.started_ns) / 1e9 if planned_ns else None
        phase = self.phase(at) or self.phases[-1]
        reading = dialects()[ask.dialect](keep_text or self._count is not None)
        call = Call(self.calls, ask.name, reading, planned_ns, phase.counted)
        if phase.name:
            call.tags["phase"] = phase.name
        return call

    def writer(self, ask: Ask) -> Writer:
        """Writes the requests of that ask."""
        return self._writers[ask.name]

    def play(self, number: int, user: int = 0) -> None:
        """One session of a user of the closed loop: its turns, each with all before it in its messages."""
        if self.jobs is not None:
            self.jobs.run(number)
            return
        rng = self.rng(number)
        ask = self.ask(number, rng)
        writer = self.writer(ask)
        history: list[dict[str, Any]] = []
        for index, turn in enumerate(self.workload.session(rng, number)):
            if index and self.ticket() is None:
                return
            follows = bool(self.workload.sessions)
            prompt = turn.prompt
            if follows and isinstance(prompt, str):
                history.append({"role": "user", "content": prompt})
                prompt = history
            call = self.call(ask, keep_text=follows)
            body = writer.body(prompt, turn.output_tokens)
            try:
                call.play(self.pool, writer.write(body))
            finally:
                self.ended(call, body)
            if follows:
                history = [*history, {"role": "assistant", "content": "".join(call.reading.text or ()) or "..."}]
            if turn.think_s:
                gevent.sleep(turn.think_s)

    def send(self, number: int, planned_ns: int) -> None:
        """One request of the open loop: its connection first, then it leaves at its planned time."""
        if self.jobs is not None:
            self.jobs.run(number, planned_ns)
            return
        rng = self.rng(number)
        ask = self.ask(number, rng)
        writer = self.writer(ask)
        turn = self.workload.turn(rng, number)
        body = writer.body(turn.prompt, turn.output_tokens)
        request = writer.write(body)
        call = self.call(ask, planned_ns)
        try:
            call.play(self.pool, request)
        finally:
            self.ended(call, body)

    def ended(self, call: Call, body: dict[str, Any] | None = None) -> None:
        """Takes a call that has ended. It is added up when no stream waits to be read."""
        call.tags["body"] = body
        self._ended.append(call)

    # Adding up.

    def _digest(self) -> None:
        ended = self._ended
        while True:
            if not ended:
                gevent.sleep(0.02)
                continue
            until = perf_counter_ns() + _SLICE_NS
            while ended and perf_counter_ns() < until:
                self._settle(ended.popleft())
            gevent.sleep(0.001)

    def _settle(self, call: Call) -> None:
        body = call.tags.pop("body", None)
        row, at = recorded(call, self.started_ns, self._count)
        self.keep.offer(call, row, body)
        if row["error"] != "unfinished":
            tables.tell(self.environment, call, row, self.address.path)
            if self.options.tables:
                tables.show(self.environment, call, row, at)
        if self.worker:
            self._told.append((row, at))
        else:
            self.take(row, at)

    def take(self, row: Record, at: list[int]) -> None:
        """Adds one record up and writes its line."""
        self.measure.add(row, at)
        if self.sink is not None:
            self.sink.line(row)

    def _watch(self) -> None:
        """Four times a second: time limits, gauges, the end of the test."""
        ticks = 0
        while True:
            gevent.sleep(0.25)
            ticks += 1
            self.calls.sweep()
            if self.worker:
                if ticks % 4 == 0:
                    self.audit.tick()
                self._end_of_share()
                continue
            if self.done.is_set():
                continue  # what is under way is still held to its limits
            window = self.measure.window(self.elapsed)
            if not self.master:
                self.gauges["concurrency"] = float(len(self.calls.active))
            for name, value in self.gauges.items():
                window.gauges[name] = max(value, window.gauges.get(name, 0.0))
            if ticks % 4 == 0:
                window.gauges["client_cpu"] = round(self.audit.tick(), 4)
                if self.sink is not None:
                    try:
                        self.sink.flush()
                    except OSError as error:
                        self.fault = f"{error.strerror or error}: {error.filename or 'the results'}"
                        self.end()
                        continue
                if self.options.abort and not self.aborted:
                    self.aborted = self.slo.lost(self.measure, self.quota)
                    if self.aborted:
                        self.end()
                        continue
            if self.over():
                self.end()

    def _end_of_share(self) -> None:
        if self.phase() is None:
            self.stopping = True

    @property
    def _idle(self) -> bool:
        """Whether this process has made its share of the requests."""
        share = self.share()
        return share is not None and self._number >= share and not self.calls.active and not self._ended

    def over(self) -> bool:
        """Whether the test is at its end. Of workers that are lost nothing more is expected."""
        if self.master:
            clients = self.environment.runner.clients
            self.lost_workers = sorted({*self.lost_workers, *(client.id for client in clients.missing)})
            left = {client.id for client in clients.all} - set(self.lost_workers)
            if not left or (self.quota is not None and left <= self._idle_workers):
                return True
        if self.quota is not None:
            return self.measure.finished >= self.quota
        return self.elapsed >= self.seconds

    def end(self) -> None:
        """Lets no further request begin, and says that the test is over."""
        self.stopping = True
        if self.quota is None:
            self.measure.until = self.measure.rates.until = min(self.elapsed, self.seconds)
        self.done.set()

    # Between processes.

    def report(self, data: dict[str, Any]) -> None:
        """Puts what the master does not know yet into a worker's report."""
        rows, self._told = self._told, []
        if self.jobs is not None:
            self.jobs.told()
        data["seatrial"] = {
            "rows": orjson.dumps(rows),
            "concurrency": len(self.calls.active),
            "idle": self._idle,
            "audit": self.audit.told(),
            "kept": self.keep.told(),
            "gauges": self.gauges,
            "extra": self.extra,
        }

    def heard(self, client: str, data: dict[str, Any]) -> None:
        """Takes a worker's report."""
        told = data.get("seatrial")
        if told is None:
            return
        for row, at in orjson.loads(told["rows"]):
            row["worker"] = client
            self.take(row, at)
        self.keep.heard(told["kept"])
        self.audit.hear(client, told["audit"])
        if told["idle"]:
            self._idle_workers.add(client)
        self._workers[client] = {"concurrency": told["concurrency"], **told["gauges"]}
        for name in {name for gauges in self._workers.values() for name in gauges}:
            self.gauges[name] = sum(gauges.get(name, 0.0) for gauges in self._workers.values())
        for name, value in told["extra"].items():
            self.extras.setdefault(client, {})[name] = value


def warn(text: str) -> None:
    """One line to the user."""
    print(f"seatrial: {text}", file=sys.stderr, flush=True)
