"""Defects of the queue routes of audio and images."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plants.answers import answer
from seatrial.server.plants.shape import defect, variant


def queued(path: str, made: Callable[[], Response]) -> Callable[[Request, bytes], Response | None]:
    """Answers in place of a queue's route."""
    return lambda request, body: made() if request.url.path == f"/queue{path}" else None


def _job() -> Response:
    return answer(202, {"id": "job-1", "status": "queued"})


def _gone() -> Response:
    return answer(
        404, {"error": {"message": "Not found", "type": "invalid_request_error", "param": None, "code": None}}
    )


def _text() -> Response:
    return Response(b"The ship left the harbour at dawn.", 200, {}, "text/plain")


def _chat() -> Response:
    message = {"role": "assistant", "content": "A lighthouse."}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return answer(200, {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})


def _slow(request: Request, body: bytes) -> float | None:
    """Leaves a job of the queue waiting for a moment."""
    return 0.3 if request.url.path.startswith("/queue/audio") else None


PLANTS = (
    defect("queue.media/transcription-202", "queue", "a transcription in the queue is a job", "*/queued/must/status",
           before=queued("/audio/transcriptions", _job)),
    defect("queue.media/translation-404", "queue", "there is no queue for translations", "*/queued/must/status",
           before=queued("/audio/translations", _gone)),
    defect("queue.media/transcription-text", "queue", "a transcription in the queue is bare text", "http.json-content-type",
           "*/queued/must/*", before=queued("/audio/transcriptions", _text)),
    defect("queue.media/image-chat", "queue", "an image in the queue is an answer of chat", "images.count", "created.seconds",
           "*/queued/must/body", before=queued("/images/generations", _chat)),
    defect("queue.media/edit-404", "queue", "there is no queue for edits", "*/queued/must/status",
           before=queued("/images/edits", _gone)),
    variant("queue-audio-waits", "Audio waits in the queue", before=_slow),
)  # fmt: skip
