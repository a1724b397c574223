"""From few users to many, in ten steps."""

from seatrial.load import Profile, ramp, shape, user

PROFILE = Profile("ramp", "From few users to many, in equal steps", ramp(32, 120), phases_matter=True)
Ramp = user(PROFILE)
RampShape = shape(PROFILE)
