"""Calm arrivals, with bursts of ten times the rate."""

from seatrial.load import Profile, bursts, user

PROFILE = Profile(
    "burst", "Calm arrivals, with bursts of ten times the rate", bursts(1, 10, 15, 3, 3), open=True, phases_matter=True
)
Burst = user(PROFILE)
