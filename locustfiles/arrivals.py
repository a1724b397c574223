"""Open loop: requests leave at their planned times, constant or Poisson, whatever has come back; or a trace's."""

from seatrial.load import Profile, arrivals, user

PROFILE = Profile("arrivals", "Requests at planned times, whatever comes back", arrivals(2, 60), open=True)
Arrivals = user(PROFILE)
