"""Legacy completions, streamed, in a closed loop."""

from seatrial.load import Ask, Profile, closed, user

ASK = Ask("completions", "load.completions", "completions_stream")
PROFILE = Profile("completions", "Legacy completions, streamed", closed(8, 60), asks=(ASK,))
Completions = user(PROFILE)
