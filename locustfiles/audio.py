"""Speech and transcriptions in a closed loop."""

from seatrial.load import Ask, Profile, closed, user

ASKS = (Ask("speech", "load.speech", "speech"), Ask("transcription", "load.transcription", "transcription"))
PROFILE = Profile("audio", "Speech and transcriptions", closed(4, 60), asks=ASKS)
Audio = user(PROFILE)
