"""What a body prints above its certificates: a logo, marks of accreditation and lines of text.

Kept as files, `<home>/letterheads/<alias of the body>/` with `logo.png`, `lines.txt` (UTF-8) and
`marks/<MARK>.png`. They decorate the page and prove nothing.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from PIL import Image, UnidentifiedImageError

from registry.kit.errors import UnusableSettingsError
from verifier.core.shapes import Text

MAX_PICTURE_BYTES: Final = 2 * 1024 * 1024
MAX_PICTURE_PIXELS: Final = 4_000_000  # 85 mm x 85 mm at 600 dpi
MAX_LINES: Final = 6
_LINE: Final = Text(longest=120)
_MARK: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", re.ASCII)
_ALIAS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """The letterhead of one body.

    Attributes:
        logo: PNG, None without.
        lines: Lines of text, such as address and telephone.
        marks: PNG of each mark by the name that documents state in `marks`, such as CNAS. A mark
            is printed only on documents that state it.
    """

    logo: bytes | None = None
    lines: tuple[str, ...] = ()
    marks: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))


NO_LETTERHEAD: Final = Letterhead()


def load_letterhead(home: Path, alias: str) -> Letterhead:
    """Return the letterhead of a body, an empty one where nothing is configured.

    Args:
        home: Folder of the installation.
        alias: Alias of the body.

    Raises:
        UnusableSettingsError: A picture is no PNG or too large, or a line is not printable.
    """
    if not _ALIAS.fullmatch(alias) or ".." in alias:
        return NO_LETTERHEAD
    folder = home / "letterheads" / alias
    if not folder.is_dir():
        return NO_LETTERHEAD
    logo = folder / "logo.png"
    marks = sorted((folder / "marks").glob("*.png"))
    return Letterhead(
        logo=_picture(logo) if logo.is_file() else None,
        lines=_lines(folder / "lines.txt"),
        marks={path.stem: _picture(path) for path in marks if _MARK.fullmatch(path.stem)},
    )


def wrapped_png(picture: bytes) -> bytes:
    """Return a PNG inside an SVG: the typesetter takes files of text alone from memory."""
    with Image.open(io.BytesIO(picture), formats=["PNG"]) as opened:
        width, height = opened.size
    content = base64.b64encode(picture).decode("ascii")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><image width="{width}" height="{height}" '
        f'href="data:image/png;base64,{content}"/></svg>'
    ).encode("ascii")


def _lines(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        return ()
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise UnusableSettingsError(f"{path} is not UTF-8") from error
    if len(lines) > MAX_LINES or any(list(_LINE.problems(line, "")) for line in lines):
        raise UnusableSettingsError(f"{path} must hold at most {MAX_LINES} lines of plain text")
    return tuple(lines)


def _picture(path: Path) -> bytes:
    """Return a picture encoded anew: pixels alone, on white, nothing else of the file."""
    data = path.read_bytes()
    if len(data) > MAX_PICTURE_BYTES:
        raise UnusableSettingsError(f"{path} has more than {MAX_PICTURE_BYTES} bytes")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if picture.width * picture.height > MAX_PICTURE_PIXELS:
                raise UnusableSettingsError(f"{path} has more than {MAX_PICTURE_PIXELS} pixels")
            pixels = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise UnusableSettingsError(f"{path} is no PNG picture: {error}") from error
    page = Image.new("RGB", pixels.size, "white")
    page.paste(pixels, mask=pixels.getchannel("A"))
    stream = io.BytesIO()
    page.save(stream, format="PNG", optimize=True)
    return stream.getvalue()
