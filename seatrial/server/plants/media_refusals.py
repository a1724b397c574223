"""Wrong requests of audio, images and moderations that are not refused as they should be."""

from __future__ import annotations

from collections.abc import Callable

from seatrial.server.plant import Json
from seatrial.server.plants.audio import HEARD, TRANSCRIBE
from seatrial.server.plants.images import PAINTED
from seatrial.server.plants.shape import defect, variant


def accepting(*routes: str, params: tuple[str, ...]) -> Callable[[str, str, Json], bool]:
    """Takes what is refused of these parameters on these routes, and goes on without them."""
    return lambda route, param, body: route in routes and param in params


def answered(*routes: str, code: str, status: int) -> Callable[[str, int, Json], tuple[int, Json]]:
    """Refuses what has this code with another status."""

    def hook(route: str, refused: int, body: Json) -> tuple[int, Json]:
        wrong = route in routes and body["error"]["code"] == code and refused < 500
        return (status if wrong else refused), body

    return hook


PLANTS = (
    defect(
        "audio.invalid-format/ignored", "audio", "an unknown response_format is ignored", "*/must/status",
        accepts=accepting(*HEARD, params=("response_format",)),
    ),
    defect(
        "audio.invalid-granularity/ignored", "audio", "an unknown granularity is ignored", "*/must/status",
        accepts=accepting(*HEARD, params=("timestamp_granularities",)),
    ),
    defect(
        "audio.invalid-file/500", "audio", "what is no audio makes the server fail", "http.no-server-error",
        error=answered(*HEARD, code="invalid_audio", status=500),
    ),
    defect(
        "audio.invalid-model/500", "audio", "an unknown model is answered with 500", "http.no-server-error",
        error=answered(TRANSCRIBE, code="model_not_found", status=500),
    ),
    defect(
        "audio.invalid-prose/temperature", "audio", "a temperature out of bounds is taken", "*/should/status",
        level="SHOULD", accepts=accepting(*HEARD, params=("temperature", "language")),
    ),
    defect(
        "images.invalid-n/taken", "images", "any number of images is taken as one", "*/must/status",
        accepts=accepting(*PAINTED, params=("n",)),
    ),
    defect(
        "images.invalid-prose/taken", "images", "a size that cannot be is ignored", "*/should/status", "*/must/status",
        level="SHOULD", accepts=accepting(*PAINTED, params=("size",)),
    ),
    defect(
        "images.invalid-image/500", "images", "what is no picture makes the server fail", "http.no-server-error",
        error=answered(*PAINTED, code="invalid_image", status=500),
    ),
    variant("no-image-415", "A file that is no picture is an unsupported media type",
            error=answered(*PAINTED, code="invalid_image", status=415)),
    variant("no-audio-415", "A file that is no audio is an unsupported media type",
            error=answered(*HEARD, code="invalid_audio", status=415)),
)  # fmt: skip
