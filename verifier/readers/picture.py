"""Pictures: PNG and JPEG by what they are, never by what they are called."""

from __future__ import annotations

import io
import warnings
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.limits import MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS
from verifier.readers.material import Material
from verifier.readers.qr import MAX_WORKING_PIXELS, find_codes, in_order

PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC: Final = b"\xff\xd8\xff"
_FORMATS: Final = ("PNG", "JPEG")  # no other decoder of the library can be reached
_WHITE: Final = 255
_SMALLEST: Final = 21  # pixels; the smallest QR code has that many modules


def read_picture(data: bytes, *, what: str) -> Material:
    """Return the codes in a PNG or JPEG picture.

    Raises:
        LimitExceededError: Too many bytes or pixels; pixels are counted before they are decoded.
        MalformedEvidenceError: The picture is damaged (`picture`), or shows codes of several
            documents (`several_codes`).
    """
    if len(data) > MAX_PICTURE_BYTES:
        raise LimitExceededError(what, actual=len(data), limit=MAX_PICTURE_BYTES)
    picture = _decode(data, what)
    if min(picture.size) < _SMALLEST:
        return Material()
    return Material(codes=in_order(find_codes(picture), what=what))


def _decode(data: bytes, what: str) -> Image.Image:
    """Return the picture in shades of grey, the right way up, on white where it is transparent."""
    try:
        with warnings.catch_warnings():
            # Ours is the lower limit; oddities of metadata are of no interest.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                _check_pixels(picture, what)
                if picture.width * picture.height > MAX_WORKING_PIXELS:
                    # A JPEG decoder can leave out what would be thrown away at once.
                    picture.draft("L", (picture.width // 2, picture.height // 2))
                return _on_white(ImageOps.exif_transpose(picture))
    except Image.DecompressionBombError as error:
        raise LimitExceededError(
            f"{what} (pixels)", actual=2 * MAX_PICTURE_PIXELS, limit=MAX_PICTURE_PIXELS
        ) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        message = "is a damaged picture and cannot be read"
        raise MalformedEvidenceError(what, message, reason="picture") from error


def _check_pixels(picture: Image.Image, what: str) -> None:
    pixels = picture.width * picture.height
    if pixels > MAX_PICTURE_PIXELS:
        raise LimitExceededError(f"{what} (pixels)", actual=pixels, limit=MAX_PICTURE_PIXELS)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode == "L":
        return picture
    if picture.has_transparency_data:
        layer = picture.convert("LA")
        white = Image.new("L", layer.size, _WHITE)
        white.paste(layer.getchannel("L"), mask=layer.getchannel("A"))
        return white
    if picture.mode.startswith("I"):  # 16 bits a pixel: convert("L") would clip instead of scale
        return picture.convert("I").point(lambda value: value / 257).convert("L")
    return picture.convert("L")
