"""QR codes in a picture: printed, photographed, scanned, a little blurred or turned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import zxingcpp
from PIL import Image, ImageFilter

from verifier.core.code_url import split_code
from verifier.core.errors import MalformedEvidenceError
from verifier.core.offline_code import OFFLINE_KIND

MAX_WORKING_PIXELS: Final = 24_000_000  # a 24-megapixel photograph of a page; bounds each attempt
MAX_ENLARGED_PIXELS: Final = 8_000_000  # of a picture that is tried at twice its size

_SHARPEN: Final = ImageFilter.UnsharpMask(2, 200, 0)
_TURN_DEGREES: Final = 30
_WHITE: Final = 255


def find_codes(picture: Image.Image, *, patient: bool = True) -> list[str]:
    """Return the texts of our codes in a picture, whether their payload is right or not.

    Args:
        picture: Greyscale (mode "L").
        patient: Try again in other ways while the offline code is missing, and once more for a
            link code beside it. Not needed for what a computer drew.
    """
    fitted = _fitted(picture)
    found: dict[str, None] = {}
    for number, prepare in enumerate(_ATTEMPTS if patient else _ATTEMPTS[:1]):
        prepared = prepare(fitted)
        if prepared is not None:
            found |= dict.fromkeys(filter(is_ours, _read(prepared)))
        if has_both(found) or (number >= 1 and has_offline(found)):
            break
    return list(found)


def is_ours(text: str) -> bool:
    """Tell whether a text has the form of our codes."""
    try:
        split_code(text)
    except MalformedEvidenceError:
        return False
    return text.isascii() and text.isprintable()


def has_offline(texts: Iterable[str]) -> bool:
    """Tell whether an offline code is among the texts of our codes."""
    return OFFLINE_KIND in _kinds(texts)


def has_both(texts: Iterable[str]) -> bool:
    """Tell whether both kinds are among the texts of our codes."""
    return len(set(_kinds(texts))) > 1


def in_order(texts: Iterable[str], *, what: str) -> tuple[str, ...]:
    """Return the offline code, then the link code, each if it is there.

    Raises:
        MalformedEvidenceError: There are several of a kind, so it is not clear which document is
            meant (`several_codes`).
    """
    distinct = dict.fromkeys(texts)
    ordered = sorted(distinct, key=lambda text: split_code(text).kind != OFFLINE_KIND)
    if len(set(_kinds(ordered))) < len(ordered):
        message = "shows codes of several documents; show one document at a time"
        raise MalformedEvidenceError(what, message, reason="several_codes")
    return tuple(ordered)


def _kinds(texts: Iterable[str]) -> list[str]:
    return [split_code(text).kind for text in texts]


def _read(picture: Image.Image) -> list[str]:
    codes = zxingcpp.read_barcodes(
        picture, formats=zxingcpp.BarcodeFormat.QRCode, text_mode=zxingcpp.TextMode.Plain
    )
    return [code.text for code in codes if code.valid]


def _fitted(picture: Image.Image) -> Image.Image:
    factor = 1
    while picture.width * picture.height > MAX_WORKING_PIXELS * factor * factor:
        factor += 1
    return picture if factor == 1 else picture.reduce(factor)


def _turned(picture: Image.Image) -> Image.Image:
    return picture.rotate(_TURN_DEGREES, Image.Resampling.BICUBIC, expand=True, fillcolor=_WHITE)


def _enlarged(picture: Image.Image) -> Image.Image | None:
    if picture.width * picture.height > MAX_ENLARGED_PIXELS:
        return None
    size = (2 * picture.width, 2 * picture.height)
    larger = picture.resize(size, Image.Resampling.BICUBIC)
    return larger.filter(ImageFilter.UnsharpMask(3, 250, 0))


# The first attempt reads what is sharp. The others were chosen by measuring 955-character codes
# with 0.4 mm modules at 200 dpi: sharpening helps against blur, turning near 45 degrees where
# finder patterns are missed now and then, enlarging against more blur, softening first against
# noise, and halving against grain in large photographs.
_ATTEMPTS: Final[tuple[Callable[[Image.Image], Image.Image | None], ...]] = (
    lambda picture: picture,
    lambda picture: picture.filter(_SHARPEN),
    lambda picture: _turned(picture).filter(_SHARPEN),
    _enlarged,
    lambda picture: picture.filter(ImageFilter.GaussianBlur(0.8)).filter(_SHARPEN),
    lambda picture: picture.reduce(2),
)
