"""What is in the bytes of a picture. Nothing is believed that a header or an answer says."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import lru_cache

from seatrial.check import Inconclusive
from seatrial.view.audio import Broken

MOST_PIXELS = 16 << 20
"""Pixels of a picture that is decoded."""
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: its kind (png, jpeg, webp, gif), its pixels, and how opaque its least opaque one is (0 to 255)."""

    kind: str
    width: int
    height: int
    least_alpha: int

    @property
    def size(self) -> str:
        return f"{self.width}x{self.height}"


@lru_cache(maxsize=32)
def picture(data: bytes) -> Picture:
    """The picture decoded. Raises Broken for what is none, cut or garbled, Inconclusive for one that is too large."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as found:
                if found.width * found.height > MOST_PIXELS:
                    raise Inconclusive(f"a picture of {found.width}x{found.height} is not decoded here")
                found.load()
                kind = str(found.format).lower()
                has_alpha = found.mode in ("RGBA", "LA", "PA") or "transparency" in found.info
                extremes = found.convert("RGBA").getchannel("A").getextrema() if has_alpha else (255, 255)
                return Picture(kind, found.width, found.height, int(extremes[0]))  # type: ignore[arg-type]
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Inconclusive("a picture so large is not decoded here") from error
    except UnidentifiedImageError as error:
        raise Broken(f"it is no picture, but {data[:16]!r}") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise Broken(f"it cannot be decoded: {error}") from error
