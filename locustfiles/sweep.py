"""Levels one after the other: the curve of latency against throughput."""

from seatrial.load import Profile, levels, shape, user

PROFILE = Profile(
    "sweep", "Levels of users, one after the other", levels((1, 2, 4, 8, 16, 32), 20, 3), phases_matter=True
)
Sweep = user(PROFILE)
SweepShape = shape(PROFILE)
