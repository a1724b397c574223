"""What is found out before a load test begins: the model, the tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING

import gevent
import orjson

from seatrial.load.address import Failure
from seatrial.load.ask import get
from seatrial.load.call import Call
from seatrial.load.reading import dialects
from seatrial.model import Invalid, Unreachable

if TYPE_CHECKING:
    from seatrial.load.session import Session


def first_model(session: Session) -> str:
    """The first model that the target lists. Raises Unreachable, also for a key that is refused."""
    call = Call(session.calls, "models", dialects()["plain"](), 0)
    path = session.address.path.rstrip("/") + "/models"
    bound = 20.0  # whatever a request of the test may take
    silent = Failure("timeout.total", f"GET {path} gave no answer within {bound:g} s")
    alarm = gevent.spawn_later(bound, lambda: call.fail(perf_counter_ns(), silent))
    try:
        call.play(session.pool, get(session.address, path, session.key))
    finally:
        alarm.kill(block=False)
    failure = call.failure
    if failure is not None:
        raise Unreachable(f"{failure.name}: {failure.detail}" if failure.detail else failure.name)
    if call.status in (401, 403):
        raise Unreachable(f"the key in {session.options.api_key_env} is refused (status {call.status})")
    try:
        return str(orjson.loads(call.reading.body)["data"][0]["id"])
    except (ValueError, KeyError, IndexError, TypeError):
        raise Unreachable(f"GET {path} lists no model (status {call.status}); name one with --model") from None


def tokenizer(path: str) -> Callable[[str], int]:
    """Counts the tokens of a text by a tokenizer.json. Raises Invalid."""
    if not Path(path).is_file():
        raise Invalid(path, "", "there is no such tokenizer file")
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise Invalid("--tokenizer", "", "needs the extra: pip install 'seatrial[tokenizer]'") from None
    try:
        found = Tokenizer.from_file(path)
    except Exception as error:  # the library raises bare Exception
        raise Invalid(path, "", f"is no tokenizer: {error}") from None
    return lambda text: len(found.encode(text, add_special_tokens=False).ids)
