"""Embeddings in a closed loop."""

from seatrial.load import Ask, Profile, closed, user

ASK = Ask("embeddings", "load.embeddings", "embeddings")
PROFILE = Profile("embeddings", "Embeddings", closed(8, 60), asks=(ASK,))
Embeddings = user(PROFILE)
