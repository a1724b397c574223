"""Load tests: Locust's users on a client of our own, figures that may be trusted.

Importing this package does not import locust, which would patch the whole process; `locustfile` and what follows do.
"""

from __future__ import annotations

from typing import Any

from seatrial.load.ask import Ask
from seatrial.load.profile import Phase, Profile, arrivals, bursts, closed, levels, ramp


def user(profile: Profile) -> Any:
    """The Locust user class of the profile; makes the calling module a locustfile."""
    from seatrial.load import users

    users.locustfile(profile)
    return users.user(profile)


def shape(profile: Profile) -> Any:
    """The Locust shape class of a profile whose number of users changes over time."""
    from seatrial.load import users

    return users.shape(profile)


__all__ = ["Ask", "Phase", "Profile", "arrivals", "bursts", "closed", "levels", "ramp", "shape", "user"]
