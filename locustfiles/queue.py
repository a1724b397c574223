"""Jobs through a queue: accepted, waited for, answered; every job accounted for."""

from seatrial.load import Ask, Profile, closed, user

ASK = Ask("chat", "load.chat-plain", "chat")
PROFILE = Profile("queue", "Jobs through a queue, each accounted for", closed(8, 60), asks=(ASK,), queue="P0")
Queue = user(PROFILE)
