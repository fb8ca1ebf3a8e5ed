"""Printed pages: pictures of codes, and PDFs made by hand so that they can be wrong on purpose."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import zxingcpp
from PIL import Image, ImageChops, ImageFilter

from verifier.core.encoding import b64u

MODULE_MM = 0.4
DPI = 200
A4_INCHES = (8.27, 11.69)
_OVERSAMPLING = 3  # the page is drawn larger and averaged, as a scanner does

LINK = "https://verify.example/c#i=AAECAwQFBgcICQoLDA0ODw&h=" + "A" * 43
OFFLINE = f"https://verify.example/o#{b64u(b'payload' * 100)[:930]}"


def qr(text: str) -> Image.Image:
    """Return a code with its quiet zone, one pixel a module, error correction M."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    picture = code.to_image(scale=1, add_quiet_zones=True)
    height, width = picture.shape
    return Image.frombytes("L", (width, height), bytes(picture))


def strip(*texts: str, module_pixels: int = 3) -> Image.Image:
    """Return sharp codes beside each other, as small as a picture can be that tests something."""
    codes = [qr(text) for text in texts]
    sizes = [code.width * module_pixels for code in codes]
    sheet = Image.new("L", (sum(sizes), max(sizes)), 255)
    left = 0
    for code, size in zip(codes, sizes, strict=True):
        sheet.paste(code.resize((size, size), Image.Resampling.NEAREST), (left, 0))
        left += size
    return sheet


def page(*texts: str, dpi: int = DPI, module_mm: float = MODULE_MM) -> Image.Image:
    """Return an A4 page with codes beside each other, in shades of grey."""
    fine = dpi * _OVERSAMPLING
    size = tuple(round(inches * fine) for inches in A4_INCHES)
    sheet = Image.new("L", (size[0], size[1]), 255)
    left = fine // 2
    for text in texts:
        code = qr(text)
        pixels = round(code.width * module_mm / 25.4 * fine)
        sheet.paste(code.resize((pixels, pixels), Image.Resampling.NEAREST), (left, fine * 6))
        left += pixels + fine // 4
    return sheet.resize((size[0] // _OVERSAMPLING, size[1] // _OVERSAMPLING), Image.Resampling.BOX)


def photographed(
    picture: Image.Image,
    *,
    blur: float = 0.0,
    degrees: float = 0.0,
    perspective: float = 0.0,
    noise: float = 0.0,
) -> Image.Image:
    """Return a picture as a phone or scanner might take it.

    Args:
        picture: The page.
        blur: Standard deviation in pixels.
        degrees: By which it is turned.
        perspective: By how much of width and height each corner is moved at most.
        noise: Standard deviation of the brightness.
    """
    taken = picture.filter(ImageFilter.GaussianBlur(blur))
    taken = taken.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    if perspective:
        width, height = taken.size
        corners = [(0, 0), (width, 0), (width, height), (0, height)]
        leaning = [(1.0, 0.3), (-0.6, 0.9), (0.4, -1.0), (-0.9, -0.2)]
        moved = [
            (x + perspective * width * right, y + perspective * height * down)
            for (x, y), (right, down) in zip(corners, leaning, strict=True)
        ]
        taken = taken.transform(
            taken.size,
            Image.Transform.PERSPECTIVE,
            _coefficients(moved, corners),
            Image.Resampling.BICUBIC,
            fillcolor=255,
        )
    if noise:
        grain = Image.effect_noise(taken.size, noise)
        taken = ImageChops.add(taken, grain, 1, -128)
    return taken


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return a picture as a file."""
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def pdf(
    *pictures: Image.Image,
    attachments: dict[str, bytes] | None = None,
    catalog: str = "",
    more: Iterable[str] = (),
    in_object_stream: str | None = None,
    pages: int | None = None,
    media_box: str = "0 0 595 842",
    trailer: str = "",
) -> bytes:
    """Return a PDF whose pages are pictures.

    Args:
        pictures: One for each page.
        attachments: Files by name.
        catalog: More members of the catalogue.
        more: More objects, from number 1000 on.
        in_object_stream: Content of a compressed object stream.
        pages: Number of pages, all alike, instead of one for each picture.
        media_box: Size of the pages in points.
        trailer: More members of the trailer.
    """
    objects: dict[int, bytes] = {}
    names = []
    for number, (name, content) in enumerate((attachments or {}).items()):
        file = 500 + 2 * number
        objects[file] = _stream("/Type /EmbeddedFile", content)
        objects[file + 1] = (
            f"<< /Type /Filespec /F ({name}) /UF ({name}) /EF << /F {file} 0 R >> >>".encode()
        )
        names.append(f"({name}) {file + 1} 0 R")
    embedded = f"/Names << /EmbeddedFiles << /Names [ {' '.join(names)} ] >> >>" if names else ""
    objects[1] = f"<< /Type /Catalog /Pages 2 0 R {embedded} {catalog} >>".encode()
    count = len(pictures) if pages is None else pages
    kids = " ".join(f"{10 + 3 * min(page, len(pictures) - 1)} 0 R" for page in range(count))
    objects[2] = f"<< /Type /Pages /Count {count} /Kids [ {kids} ] >>".encode()
    for number, picture in enumerate(pictures):
        first = 10 + 3 * number
        objects |= _page(first, picture, media_box)
    for number, text in enumerate(more):
        objects[1000 + number] = text.encode()
    if in_object_stream is not None:
        objects[2000] = _stream(
            "/Type /ObjStm /N 1 /First 7", b"3000 0 " + in_object_stream.encode()
        )
    return _file(objects, trailer)


def _page(first: int, picture: Image.Image, media_box: str) -> dict[int, bytes]:
    width, height = media_box.split()[2:]
    image = (
        f"/Type /XObject /Subtype /Image /Width {picture.width} /Height {picture.height} "
        "/ColorSpace /DeviceGray /BitsPerComponent 8"
    )
    return {
        first: (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [{media_box}] /Contents {first + 1} 0 R "
            f"/Resources << /XObject << /P {first + 2} 0 R >> >> >>"
        ).encode(),
        first + 1: _stream("", f"q {width} 0 0 {height} 0 0 cm /P Do Q".encode()),
        first + 2: _stream(image, picture.convert("L").tobytes()),
    }


def _stream(members: str, content: bytes) -> bytes:
    packed = zlib.compress(content)
    head = f"<< {members} /Filter /FlateDecode /Length {len(packed)} >>\nstream\n"
    return head.encode() + packed + b"\nendstream"


def _file(objects: dict[int, bytes], trailer: str) -> bytes:
    data = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, content in sorted(objects.items()):
        places[number] = len(data)
        data += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    start = len(data)
    data += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        data += f"{number} 1\n{place:010} 00000 n \n".encode()
    size = max(objects) + 1
    data += (
        f"trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    )
    return bytes(data)


def _coefficients(
    moved: Sequence[tuple[float, float]], corners: Sequence[tuple[float, float]]
) -> tuple[float, ...]:
    """Return the eight numbers that lead from the moved corners back (Gaussian elimination)."""
    rows = []
    for (x, y), (u, v) in zip(moved, corners, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    for column in range(8):
        best = max(range(column, 8), key=lambda row: abs(rows[row][column]))
        rows[column], rows[best] = rows[best], rows[column]
        pivot = rows[column][column]
        rows[column] = [value / pivot for value in rows[column]]
        for other in range(8):
            if other != column:
                factor = rows[other][column]
                rows[other] = [
                    value - factor * own
                    for value, own in zip(rows[other], rows[column], strict=True)
                ]
    return tuple(row[8] for row in rows)
