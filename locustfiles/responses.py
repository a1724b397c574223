"""Responses, streamed, in a closed loop."""

from seatrial.load import Ask, Profile, closed, user

ASK = Ask("responses", "load.responses", "responses_stream")
PROFILE = Profile("responses", "Responses, streamed", closed(8, 60), asks=(ASK,))
Responses = user(PROFILE)
