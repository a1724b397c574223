"""Plays a case against a target: sends its steps, records each exchange, and gives every verdict on it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from seatrial import clean, expect, form, kept, offered, run, view
from seatrial.check import Check, Inconclusive
from seatrial.client import Client
from seatrial.judge import erred, judge, mark, relate
from seatrial.model import Case, Exchange, Finding, Level, Operation, Request, Status, Step, Verdict
from seatrial.profile import Target
from seatrial.reference import Scope, resolve
from seatrial.refusal import other_work, refused, retry_after, unsupported
from seatrial.rewording import Rewording
from seatrial.step import PLAIN, asked_of, called, is_pending, names_status, outputs, wanted_status
from seatrial.summary import SPENT
from seatrial.view import cursor

_BREAKER = 3
"""Unanswered requests in a row after which an operation is asked only now and then: a dead server costs no hours."""
_TRIED_AGAIN = frozenset((16, 64, 256, 1024))


@dataclass(slots=True)
class Budget:
    """What a run may spend: requests, and seconds of waiting for a server that said Retry-After."""

    requests: int | None = None
    waiting_s: float = 60.0


class Player:
    """Plays cases one after another on one client; `record` writes what happens as it happens."""

    def __init__(
        self,
        target: Target,
        client: Client,
        operations: Mapping[str, Operation],
        checks: Sequence[Check],
        record: run.Sink | None = None,
        budget: Budget | None = None,
        first: int = 1,
        stride: int = 1,
        strict: bool = False,
    ) -> None:
        self.target, self.client, self.operations, self.checks = target, client, operations, checks
        self.budget, self.record, self.strict = budget or Budget(), record, strict
        self._number, self._stride = first - stride, stride
        self._silent: dict[str, int] = {}
        self._cleaning, self._taken, self._polled = False, list[int](), list[Exchange]()
        self._deleted: set[str] = set()
        self._heard: list[Exchange] = []
        self._absent, self._present = dict[tuple[str, str], str](), set[tuple[str, str]]()
        self._denied, self._well = set[str](), set[str]()
        self._words = Rewording()

    def play(self, case: Case) -> list[Verdict]:
        """Every verdict on this case; exchanges and verdicts are recorded before this returns.

        A fault of ours is the verdict ERROR. Raises OSError where the record cannot be written.
        """
        verdicts: list[Verdict] = []
        exchanges: list[Exchange] = []
        disabled = offered.disabled(case, self.target)
        self._taken.clear()
        self._polled.clear()
        self._deleted.clear()
        self._heard = []
        played = False
        try:
            if disabled:
                verdicts += [v for step in case.scenario.steps for v in self._all(case, step, Status.SKIPPED, disabled)]
                if self.strict:
                    self._deny(case, verdicts, exchanges)
            else:
                self._steps(case, verdicts, exchanges)
            played = True
        except OSError:
            raise
        except Exception as fault:
            verdicts.append(erred(case, fault))
            played = True
        finally:
            # Also of a case that was interrupted: what is seen is kept.
            verdicts = [self._shown(verdict) for verdict in verdicts]
            if self.record is not None:
                for verdict in verdicts:
                    self.record.write(run.verdict_line(verdict))
                if played:
                    judged = [exchange.number for exchange in exchanges]
                    taken = [number for number in judged if number in self._taken]
                    polled = [exchange.number for exchange in self._polled]
                    line = {"type": "case", "id": case.id, "judged": judged, "taken": taken, "polled": polled}
                    self.record.write(line)
        return verdicts

    def number(self) -> int:
        """The number of the next exchange."""
        self._number += self._stride
        return self._number

    def spend(self) -> None:
        """One request of another client's. Raises Inconclusive where the budget is spent."""
        if self.budget.requests is not None and self.client.sent >= self.budget.requests:
            raise Inconclusive(SPENT)
        self.client.sent += 1

    def enter(self, case: Case, exchanges: Sequence[Exchange], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Records what another client exchanged and what was found by it, if it came so far; the verdicts as shown."""
        shown = [self._shown(verdict) for verdict in verdicts]
        if self.record:
            lines = [run.exchange_line(exchange, case.id) for exchange in exchanges]
            end = [{"type": "case", "id": case.id, "judged": [], "taken": []}] if shown else []
            for line in [*lines, *map(run.verdict_line, shown), *end]:
                self.record.write(line)
        return shown

    def _deny(self, case: Case, verdicts: list[Verdict], exchanges: list[Exchange]) -> None:
        """Asks once for each capability that the profile says is not offered, and holds the answer to be a refusal."""
        capability, step = offered.denied(case, self.target), offered.asking(case)
        if capability is None or capability in self._denied or step is None:
            return
        self._denied.add(capability)
        try:
            exchange = self._ask(case, step, self._scope(case))
        except Inconclusive:
            return
        exchanges.append(exchange)
        verdicts += [*judge(case, exchange, self.checks), offered.refusal(case, step, capability, exchange)]

    def _scope(self, case: Case) -> Scope:
        profile, family = self.target.profile, case.scenario.family
        names = {"model": self.target.model(family), "image_url": profile.image_url, "owner": profile.owner}
        names |= {f"models.{k}": v for k, v in self.target.models.items()}
        return Scope(case.inputs, names)

    def _steps(self, case: Case, verdicts: list[Verdict], exchanges: list[Exchange]) -> None:
        scope = self._scope(case)
        blocked = ""
        try:
            for step in case.scenario.steps:
                if blocked:
                    status = Status.SKIPPED if blocked.startswith("unsupported") else Status.INCONCLUSIVE
                    verdicts += self._all(case, step, status, blocked)
                    continue
                made, blocked = self._step(case, step, scope, exchanges)
                verdicts += made
            verdicts += relate(case, sorted([*exchanges, *self._polled], key=lambda one: one.number), self.checks)
        finally:
            self.clean(case, self._heard, scope)

    def clean(self, case: Case, heard: list[Exchange], scope: Scope | None = None) -> None:
        """Removes what the case made by these exchanges, and notes what is left.

        Nothing of what is asked is judged, or bound by the budget: it is no part of what the case tries.
        """
        self._heard, scope = heard, scope or self._scope(case)
        own = [step for step in case.scenario.cleanup if asked_of(step, scope) not in self._deleted]
        steps = clean.steps(clean.newest_first(case.scenario.steps, own), heard, self.operations)
        waiting = self.budget.waiting_s
        self._cleaning, self.budget.waiting_s = True, min(waiting, clean.WITHIN_S)
        try:
            left = clean.clean(steps, lambda step: self._ask(case, step, scope), self.client)
        finally:
            self._cleaning, self.budget.waiting_s = False, waiting
        left += kept.left(heard, left)
        for text in left if self.record else ():
            note = {"type": "note", "text": self.client.secret.hide(f"left on the server by {case.id}: {text}")}
            self.record.write(note)  # type: ignore[union-attr]

    def _walk(self, case: Case, step: Step, scope: Scope, exchanges: list[Exchange], verdicts: list[Verdict]) -> str:
        """Asks for the further pages of a list, up to the `most` that the step allows; why the case goes no further."""
        query = resolve(step.call.get("query", {}), scope)
        blocked = ""
        for number in range(2, step.call["walk"]["most"] + 1):
            after = cursor.next_after(exchanges[-1])
            if after is None or blocked:
                break
            call = {name: value for name, value in step.call.items() if name != "walk"}
            call["query"] = {**query, "after": after}
            page = Step(f"{step.id}.{number}", step.operation, call, {Level.MUST: {"status": 200}}, {})
            made, blocked = self._step(case, page, scope, exchanges)
            if self._stride > 1 and exchanges[-1].status in (400, 404):
                gone = "another case, played side by side, may have deleted what this page comes after"
                made = [
                    replace(v, status=Status.INCONCLUSIVE, reason=gone, findings=()) if v.status is Status.FAIL else v
                    for v in made
                ]
            verdicts += made
        return blocked

    def _step(self, case: Case, step: Step, scope: Scope, exchanges: list[Exchange]) -> tuple[list[Verdict], str]:
        route = step.operation.id, step.call.get("family", case.scenario.family)
        if route in self._absent:
            # The first request that needs a route finds out whether it is there; the others need not ask again.
            return self._all(case, step, Status.SKIPPED, self._absent[route]), self._absent[route]
        try:
            exchange = self._ask(case, step, scope)
        except Inconclusive as reason:
            return self._all(case, step, Status.INCONCLUSIVE, str(reason)), str(reason)
        exchanges.append(exchange)
        if step.operation.method == "DELETE" and view.is_ok(exchange):
            self._deleted.add(asked_of(step, scope))
        wanted = resolve(wanted_status(step), scope)
        wants_success = expect.status_matches(wanted, 200)
        taken = not wants_success and exchange.status is not None and exchange.status < 300
        if taken:
            self._taken.append(exchange.number)
        verdicts = judge(case, exchange, self.checks, taken)
        blocked = ""
        refusal = None
        named = any(names_status(expected.get("status"), exchange.status) for expected in step.expect.values())
        if (wants_success or not named) and "address" not in step.call:
            refusal = refused(exchange, case.scenario.needs, self.target, route_only=not wants_success)
        missing, other = exchange.status in (404, 405, 501), other_work(exchange)
        if not (missing or other or exchange.error):
            self._present.add(route)
        there = route in self._present  # Then what is not found is what a wrong request names.
        if refusal and (wants_success or not there):
            own = not missing and exchange.request.get("model") == self.target.model(route[1])
            if (own if other else missing) and wants_success and not there and "{" not in step.operation.path:
                self._absent[route] = refusal
            verdicts += self._all(case, step, Status.SKIPPED, refusal, exchange.number)
            blocked = refusal
        elif exchange.status in (429, 503) and not named:
            # Also where any 4XX will do: what is put off was not looked at.
            asked = retry_after(exchange)
            blocked = f"the server answered {exchange.status}" + (
                " and does not say until when" if asked is None else " and the run's waiting time was spent"
            )
            verdicts += self._all(case, step, Status.INCONCLUSIVE, blocked, exchange.number)
        else:
            verdicts += self._expectations(case, step, exchange, scope)
            scope.outputs.setdefault(step.id, {}).update(outputs(step, exchange))
            if exchange.status is None or not expect.status_matches(wanted, exchange.status):
                blocked = f"the step {step.id} did not succeed"
        if "walk" in step.call and not blocked:
            blocked = self._walk(case, step, scope, exchanges, verdicts)
        if step.probe:
            verdicts += self._probe(case, step)
        return verdicts, blocked

    def _ask(self, case: Case, step: Step, scope: Scope) -> Exchange:
        call = called(step, scope)
        raw = call["raw"].encode("utf-8", "surrogateescape") if "raw" in call else None
        headers = call.get("headers")
        if "form" in call:
            raw, headers = form.encode(call["form"]), {"content-type": form.MEDIA, **(headers or {})}
        time.sleep(step.call.get("pause", 0))
        poll = step.call.get("poll")
        end = time.monotonic() + (poll["within"] if poll else 0)
        while True:
            exchange = self._send(
                case,
                step.operation,
                step.id,
                base_url=call.get("base") or self.target.base_for(call.get("family", case.scenario.family)),
                body=call.get("body"),
                raw=raw,
                parameters=call.get("parameters"),
                query=call.get("query"),
                headers=headers,
                # An address that a server gave out is another's: the key is not for it.
                auth="none" if "address" in call else call.get("auth", "default"),
                address=call.get("address"),
            )
            if not poll or not is_pending(exchange, poll):
                return exchange
            left = end - time.monotonic()
            if left <= 0:
                return exchange
            self._polled.append(exchange)
            time.sleep(min(poll.get("every", 1.0), left))

    def _send(self, case: Case, operation: Operation, step: str, **call: Any) -> Exchange:
        """One answered request: a 429 or 503 that says Retry-After is waited for, within the run's budget."""
        again = False
        least = 0.1
        call["body"] = self._words.body(case, operation, call.get("body"))
        while True:
            if self.budget.requests is not None and self.client.sent >= self.budget.requests and not self._cleaning:
                raise Inconclusive(SPENT)
            silent = self._silent.get(operation.id, 0)
            if silent >= _BREAKER and silent - _BREAKER not in _TRIED_AGAIN:
                # Counted on, so that now and then one request finds out whether the server is back.
                self._silent[operation.id] = silent + 1
                raise Inconclusive(f"the last {_BREAKER} requests to {operation.id} were not answered")
            call.setdefault("base_url", self.target.base_for(case.scenario.family))
            with clean.uninterrupted() if kept.makes(operation, call.get("body")) else nullcontext():
                asked = Request(operation.method, call["base_url"] + operation.path, ())
                self._heard.append(Exchange(self.number(), operation, asked, None))
                exchange = self._heard[-1] = self.client.send(operation, self._number, step=step, **call)
            if self.record is not None:
                self.record.write(run.exchange_line(exchange, case.id))
            if exchange.error is not None and exchange.error.kind == "closed" and not again:
                # RFC 9112, 9.3.1: a kept connection may be closed at any time, and the request is sent again on a new one.
                again = True
                continue
            unanswered = exchange.error is not None and exchange.error.kind in ("connect", "timeout", "tls")
            self._silent[operation.id] = self._silent.get(operation.id, 0) + 1 if unanswered else 0
            if self._words.learn(case, exchange):
                call["body"] = self._words.body(case, operation, call["body"])
                continue
            wait = retry_after(exchange)
            if wait is None or max(wait, least) > self.budget.waiting_s:
                return exchange
            wait = max(wait, least)
            self.budget.waiting_s -= wait
            time.sleep(wait)
            least *= 2  # a server that says 0 each time is not asked hundreds of times

    def _expectations(self, case: Case, step: Step, exchange: Exchange, scope: Scope) -> Iterator[Verdict]:
        failed = False
        for level, expected in step.expect.items():
            for part, found in expect.parts(expected, exchange, scope, failed):
                failed = failed or (part == "status" and found != [])
                if isinstance(found, Inconclusive):
                    yield self._verdict(case, step, level, part, Status.INCONCLUSIVE, str(found), exchange.number)
                    continue
                other = found and part in ("status", "body") and unsupported(exchange, case.scenario.needs, self.target)
                status = Status.INCONCLUSIVE if other else Status.FAIL if found else Status.PASS
                told = () if other else tuple(found)
                yield self._verdict(case, step, level, part, status, other or "", exchange.number, told)

    def _probe(self, case: Case, step: Step) -> Iterator[Verdict]:
        name = step.operation.id if step.operation.id in PLAIN else "createChatCompletion"
        operation = self.operations.get(name)
        if operation is None:
            return
        family = case.scenario.family if name == step.operation.id else "chat"
        body = self._words.body(Case(case.scenario), operation, {"model": self.target.model(family), **PLAIN[name]})
        probe = replace(step, id=f"{step.id}.probe", operation=operation, expect={Level.MUST: {"status": 200}})
        try:
            exchange = self._send(case, operation, probe.id, body=body)
        except Inconclusive as reason:
            yield self._verdict(case, probe, Level.MUST, "status", Status.INCONCLUSIVE, str(reason))
            return
        status, reason_, findings = Status.PASS, "", tuple[Finding, ...]()
        turned = name in self._well and exchange.status in (400, 404, 422)  # The same was answered before.
        if turned or exchange.error or ((exchange.status or 500) >= 500 and exchange.status not in (501, 503)):
            actual = exchange.error.detail if exchange.error else f"status {exchange.status}"
            status = Status.FAIL
            findings = (Finding("a plain request is still answered", actual, "the request after it"),)
        elif exchange.status is None or exchange.status >= 400:
            status, reason_ = Status.INCONCLUSIVE, f"the plain request itself was answered {exchange.status}"
        else:
            self._well.add(name)
        yield self._verdict(case, probe, Level.MUST, "status", status, reason_, exchange.number, findings)

    def _all(self, case: Case, step: Step, status: Status, reason: str, number: int | None = None) -> list[Verdict]:
        verdicts = []
        for level, expected in step.expect.items():
            names = [part for part in ("status", "body") if part in expected]
            names += [f"headers/{name}" for name in expected.get("headers", {})]
            names += [f"stream/{name}" for name in expected.get("stream", {})]
            verdicts += [self._verdict(case, step, level, name, status, reason, number) for name in names]
        return verdicts

    def _verdict(
        self,
        case: Case,
        step: Step,
        level: Level,
        part: str,
        status: Status,
        reason: str = "",
        number: int | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> Verdict:
        scenario = case.scenario
        check = f"{level.lower()}/{part}"
        at_ = f"{case.id}/{step.id}/{check}"
        spec = scenario.spec[0].at if scenario.spec else ""
        return Verdict(
            at_,
            check,
            scenario.id,
            case.id,
            scenario.area,
            level,
            status,
            scenario.title,
            spec,
            number,
            reason,
            findings,
        )

    def _shown(self, verdict: Verdict) -> Verdict:
        """The verdict marked where it is known, and without the key: an answer may have brought it in pieces."""
        hide = self.client.secret.hide
        findings = tuple(Finding(hide(f.expected), hide(f.actual), hide(f.where)) for f in verdict.findings)
        verdict = replace(verdict, findings=findings, reason=hide(verdict.reason))
        return mark(verdict, self.target.profile.known)
