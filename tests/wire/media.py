"""Audio, images and moderations."""

from __future__ import annotations

from typing import Any, Literal

import pydantic
from openai.types import (
    ImagesResponse,
    ModerationCreateResponse,
    image_create_variation_params,
    image_edit_params,
    image_edit_stream_event,
    image_gen_stream_event,
    image_generate_params,
    moderation_create_params,
)
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionVerbose,
    speech_create_params,
    transcription_create_params,
    transcription_stream_event,
    translation_create_params,
)

from tests.wire import DROP


class SpeechUsage(pydantic.BaseModel):
    input_tokens: int
    output_tokens: int
    total_tokens: int


class SpeechDelta(pydantic.BaseModel):
    """The client has no type for the events of speech: this is the document's."""

    type: Literal["speech.audio.delta"]
    audio: str


class SpeechDone(pydantic.BaseModel):
    type: Literal["speech.audio.done"]
    usage: SpeechUsage


TYPES: dict[str, Any] = {
    "transcription.json": Transcription,
    "transcription-verbose.json": TranscriptionVerbose,
    "transcription-diarized.json": TranscriptionDiarized,
    "transcript-event.json": transcription_stream_event.TranscriptionStreamEvent,
    "transcription-request.json": transcription_create_params.TranscriptionCreateParams,
    "translation-request.json": translation_create_params.TranslationCreateParams,
    "speech-request.json": speech_create_params.SpeechCreateParams,
    "speech-event.json": SpeechDelta | SpeechDone,
    "images.json": ImagesResponse,
    "image-event.json": image_gen_stream_event.ImageGenStreamEvent | image_edit_stream_event.ImageEditStreamEvent,
    "image-request.json": image_generate_params.ImageGenerateParams,
    "image-edit-request.json": image_edit_params.ImageEditParams,
    "image-variation-request.json": image_create_variation_params.ImageCreateVariationParams,
    "moderation.json": ModerationCreateResponse,
    "moderation-request.json": moderation_create_params.ModerationCreateParams,
}

SEGMENT: dict[str, Any] = {
    "id": 0, "seek": 0, "start": 0.0, "end": 1.5, "text": " Hi", "tokens": [1], "temperature": 0, "avg_logprob": -0.1,
    "compression_ratio": 1.0, "no_speech_prob": 0.01,
}  # fmt: skip
TOKENS = {"type": "tokens", "input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "input_token_details": None}
SPOKEN = {"type": "transcript.text.segment", "id": "seg_1", "start": 0.0, "end": 1.5, "text": "Hi", "speaker": "A"}
USAGE = {
    "input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_tokens_details": {"text_tokens": 1, "image_tokens": 0},
}  # fmt: skip
EVENT: dict[str, Any] = {
    "type": "image_generation.partial_image", "b64_json": "AA==", "created_at": 1, "size": "1024x1024", "quality": "low",
    "background": "opaque", "output_format": "png", "partial_image_index": 0,
}  # fmt: skip
CATEGORIES = (
    "hate", "hate/threatening", "harassment", "harassment/threatening", "self-harm", "self-harm/intent",
    "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
RESULT: dict[str, Any] = {
    "flagged": False,
    "categories": {**dict.fromkeys(CATEGORIES, False), "illicit": None},
    "category_scores": dict.fromkeys(CATEGORIES, 0.1),
    "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
}

GOOD: dict[str, dict[str, Any]] = {
    "transcription.json": {
        "plain": {"text": "Hi", "usage": TOKENS, "logprobs": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105]}]},
        "seconds": {"text": "", "usage": {"type": "duration", "seconds": 2}, "languages": [{"code": "en"}]},
        "chat-usage": {"text": "Hi", "usage": {"prompt_tokens": 0, "completion_tokens": 52, "total_tokens": 52}},
        "whisper": {"text": "Hi", "task": "transcribe", "duration": 1.5},
    },
    "transcription-verbose.json": {
        "plain": {
            "task": "transcribe", "language": "english", "duration": 1.5, "text": "Hi", "segments": [SEGMENT],
            "words": [{"word": "Hi", "start": 0, "end": 1.5}], "usage": {"type": "duration", "seconds": 2},
        },
        "bare": {"language": "en", "duration": 0, "text": "", "segments": None, "words": None},
    },
    "transcription-diarized.json": {
        "plain": {"task": "transcribe", "duration": 1.5, "text": "Hi", "segments": [SPOKEN], "usage": TOKENS},
    },
    "transcript-event.json": {
        "delta": {"type": "transcript.text.delta", "delta": "Hi", "logprobs": [{"token": "Hi", "logprob": -1}]},
        "segment": SPOKEN,
        "done": {"type": "transcript.text.done", "text": "Hi", "usage": TOKENS, "logprobs": None},
    },
    "transcription-request.json": {
        "plain": {
            "file": "", "model": "m", "language": "en", "prompt": "Hi", "response_format": "verbose_json", "temperature": 0,
            "timestamp_granularities": ["word", "segment"], "include": ["logprobs"], "stream": None,
            "chunking_strategy": {"type": "server_vad", "threshold": 0.5},
        },
        "auto": {"file": "", "model": "m", "chunking_strategy": "auto"},
    },
    "translation-request.json": {"plain": {"file": "", "model": "m", "response_format": "srt", "temperature": 1}},
    "speech-request.json": {
        "plain": {"model": "m", "input": "Hi", "voice": "alloy", "response_format": "wav", "speed": 4, "stream_format": "sse"},
        "voice": {"model": "m", "input": "", "voice": {"id": "voice_1"}, "instructions": "Softly."},
    },
    "speech-event.json": {
        "delta": {"type": "speech.audio.delta", "audio": "AA=="},
        "done": {"type": "speech.audio.done", "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}},
    },
    "images.json": {
        "plain": {
            "created": 1, "data": [{"b64_json": "AA=="}, {"url": "http://x/y.png", "revised_prompt": None}],
            "background": "opaque", "output_format": "png", "size": "64x64", "quality": "low", "usage": USAGE,
        },
        "bare": {"created": 1, "data": None, "usage": None, "background": None},
    },
    "image-event.json": {
        "partial": EVENT,
        "completed": {**EVENT, "type": "image_edit.completed", "usage": USAGE},
    },
    "image-request.json": {
        "plain": {
            "prompt": "a", "model": None, "n": 10, "size": "64x64", "quality": "hd", "response_format": "url",
            "output_format": "webp", "output_compression": 0, "stream": True, "partial_images": 3, "moderation": "low",
            "background": "auto", "style": "vivid", "user": "u", "svg": {"model": "m", "reasoning": {"effort": "low"}},
        },
    },
    "image-edit-request.json": {
        "plain": {"image": "", "mask": "", "prompt": "a", "n": 1, "input_fidelity": "high", "stream": False},
    },
    "image-variation-request.json": {
        "plain": {"image": "", "model": "m", "n": 2, "size": "256x256", "response_format": "b64_json", "user": "u"},
    },
    "moderation.json": {"plain": {"id": "modr-1", "model": "m", "results": [RESULT]}},
    "moderation-request.json": {
        "plain": {"model": "m", "input": "a"},
        "list": {"input": ["a", "b"]},
        "parts": {"input": [
            {"type": "text", "text": "a"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        ]},
    },
}  # fmt: skip

BAD: dict[tuple[str, str], list[tuple[Any, ...]]] = {
    ("transcription.json", "plain"): [
        ("/text", DROP), ("/text", None), ("/usage/total_tokens", DROP), ("/logprobs/0/logprob", "x"),
    ],
    ("transcription.json", "seconds"): [("/usage/seconds", DROP), ("/languages/0/code", DROP)],
    ("transcription-verbose.json", "plain"): [
        ("/duration", "1.5"), ("/duration", DROP), ("/language", DROP), ("/segments/0/tokens", DROP),
        ("/segments/0/id", "a"), ("/words/0/start", -1), ("/words/0/word", DROP),
    ],
    ("transcription-diarized.json", "plain"): [("/task", DROP), ("/segments/0/speaker", None), ("/segments", None)],
    ("transcript-event.json", "delta"): [("/delta", DROP), ("/type", "transcription.chunk"), ("/type", DROP)],
    ("transcript-event.json", "segment"): [("/speaker", DROP)],
    ("transcript-event.json", "done"): [("/text", None), ("/usage/input_tokens", DROP)],
    ("transcription-request.json", "plain"): [
        ("/file", DROP), ("/model", None), ("/response_format", "xml"), ("/temperature", 1.1), ("/include/0", "text"),
        ("/timestamp_granularities/0", "line"), ("/stream", "yes"), ("/chunking_strategy", "never"), ("/x", 1, ""),
    ],
    ("translation-request.json", "plain"): [("/file", DROP), ("/response_format", "diarized_json"), ("/language", "de", "")],
    ("speech-request.json", "plain"): [
        ("/voice", DROP), ("/input", "a" * 4097), ("/speed", 0.2), ("/speed", 4.1), ("/response_format", "ogg"),
        ("/stream_format", "ws"), ("/x", 1, ""),
    ],
    ("speech-request.json", "voice"): [("/voice/id", DROP)],
    ("speech-event.json", "delta"): [("/audio", DROP), ("/type", "speech.delta")],
    ("speech-event.json", "done"): [("/usage", DROP), ("/usage/total_tokens", DROP)],
    ("images.json", "plain"): [
        ("/created", DROP), ("/created", "now"), ("/data", {}), ("/data/0/b64_json", 5), ("/usage/total_tokens", DROP),
        ("/output_format", "bmp"),
    ],
    ("image-event.json", "partial"): [
        ("/b64_json", DROP), ("/partial_image_index", DROP), ("/type", "image.partial"), ("/quality", "best"),
    ],
    ("image-event.json", "completed"): [("/usage", DROP), ("/usage/input_tokens_details", DROP)],
    ("image-request.json", "plain"): [
        ("/prompt", DROP), ("/n", 0), ("/n", 11), ("/quality", "best"), ("/partial_images", 4), ("/stream", "yes"),
        ("/output_compression", 101), ("/response_format", {"type": "b64_json"}), ("/svg/model", DROP),
    ],
    ("image-edit-request.json", "plain"): [("/image", DROP), ("/prompt", DROP), ("/n", 11), ("/input_fidelity", "max")],
    ("image-variation-request.json", "plain"): [("/image", DROP), ("/n", 0), ("/size", "1x1")],
    ("moderation.json", "plain"): [
        ("/results", DROP), ("/id", None), ("/results/0/flagged", DROP), ("/results/0/categories/hate", DROP),
        ("/results/0/category_scores/violence", "0.1"), ("/results/0/category_applied_input_types/hate/0", "audio"),
    ],
    ("moderation-request.json", "plain"): [("/input", DROP), ("/input", None)],
    ("moderation-request.json", "parts"): [("/input/0/text", DROP), ("/input/1/image_url/url", DROP), ("/input/0/type", "file")],
}  # fmt: skip
