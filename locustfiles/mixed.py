"""What a service sees in a day: mostly chat, streamed and not, some embeddings."""

from seatrial.load import Ask, Profile, arrivals, user

ASKS = (
    Ask("chat", "load.chat", "chat_stream", weight=6),
    Ask("chat-plain", "load.chat-plain", "chat", weight=2),
    Ask("embeddings", "load.embeddings", "embeddings", weight=2),
)
PROFILE = Profile(
    "mixed", "Chat, streamed and not, and embeddings, at planned times", arrivals(4, 60), asks=ASKS, open=True
)
Mixed = user(PROFILE)
