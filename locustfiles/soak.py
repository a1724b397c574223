"""A steady load for an hour: leaks, drift, rare faults."""

from seatrial.load import Profile, closed, user

PROFILE = Profile("soak", "A steady load for an hour", closed(8, 3600))
Soak = user(PROFILE)
