"""Closed loop: each user has one stream open at all times."""

from seatrial.load import Profile, closed, user

PROFILE = Profile("steady", "A steady number of users, each with one stream open at all times", closed(8, 60))
Steady = user(PROFILE)
