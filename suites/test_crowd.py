"""Plays the requests of a scenario at once, as many users do."""

from __future__ import annotations

import pytest

from seatrial.generate import crowd as crowds
from seatrial.model import Level, Scenario, Status
from seatrial.play import Player


def test_crowd(crowd_of: Scenario, crowd: list[Player], player: Player, subtests: pytest.Subtests) -> None:
    """Each request is answered as by itself."""
    if player.budget.requests is not None and player.client.sent + len(crowd_of.steps) > player.budget.requests:
        pytest.skip("the run's requests are spent")
    player.client.sent += len(crowd_of.steps)
    for verdict in crowds.play(crowd_of, crowd, player.record):
        if verdict.status is Status.FAIL and verdict.level is Level.MUST and not verdict.known:
            with subtests.test(msg=verdict.id):
                pytest.fail(f"{verdict.requirement}\n{verdict.findings}", pytrace=False)
