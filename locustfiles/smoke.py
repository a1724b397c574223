"""A handful of requests, one at a time: whether a load test can be run at all."""

from seatrial.load import Profile, closed, user

PROFILE = Profile("smoke", "A few requests, one at a time", closed(1, 60), requests=5)
Smoke = user(PROFILE)
