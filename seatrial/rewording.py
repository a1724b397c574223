"""How a target is asked that turns down what reasoning models do not take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatrial.model import Case, Exchange, Operation
from seatrial.refusal import turned_down

_INSTEAD: dict[str, dict[str, str | None]] = {
    "createChatCompletion": {"max_tokens": "max_completion_tokens", "temperature": None},
    "createCompletion": {"temperature": None},
}


class Rewording:
    """Learns what a target turns down, and asks the rest without it. What a row of inputs sets is asked as it stands."""

    def __init__(self) -> None:
        self._learnt: set[str] = set()

    def learn(self, case: Case, exchange: Exchange) -> bool:
        """Whether the request may be asked again, in other words."""
        word = turned_down(exchange)
        if word is None or word in self._learnt:
            return False
        self._learnt.add(word)
        asked = exchange.request.json
        if self.body(case, exchange.operation, asked) != asked:
            return True
        self._learnt.remove(word)
        return False

    def body(self, case: Case, operation: Operation, body: Any) -> Any:
        """The body without what was turned down; values that are wrong on purpose stay."""
        instead = _INSTEAD.get(operation.id, {})
        if not isinstance(body, Mapping) or not self._learnt & instead.keys():
            return body
        found = dict(body)
        for word in self._learnt & instead.keys() & found.keys() - set(case.inputs.get("set") or {}):
            value, other = found[word], instead[word]
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            if other is None and 0 <= value <= 2:
                del found[word]
            elif other is not None and isinstance(value, int) and value > 0:
                found.setdefault(other, found.pop(word))
        return found
