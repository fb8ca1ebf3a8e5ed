"""Codes in pictures as people take them, and pictures as attackers make them."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.support.pages import LINK, OFFLINE, encoded, qr, strip
from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.limits import MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS
from verifier.readers import read

OTHER_LINK = LINK.replace("AAEC", "BBEC")


@pytest.fixture(scope="module")
def sheet() -> Image.Image:
    return strip(OFFLINE, LINK)


def codes(picture: Image.Image, kind: str = "PNG", **options: object) -> tuple[str, ...]:
    return read(encoded(picture, kind, **options), name="picture").codes


def test_the_longest_ordinary_code_is_of_version_25() -> None:
    assert len(OFFLINE) == 955
    assert qr(OFFLINE).width == 4 * 25 + 17 + 8, "modules with the quiet zone"


def test_both_codes_come_together_the_offline_code_first(sheet: Image.Image) -> None:
    assert codes(sheet) == (OFFLINE, LINK)
    assert codes(strip(LINK, OFFLINE)) == (OFFLINE, LINK)


def test_orientation_of_the_camera_is_followed(sheet: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    turned = sheet.transpose(Image.Transpose.ROTATE_90)
    assert codes(turned, "JPEG", exif=exif) == (OFFLINE, LINK)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_colour_modes(mode: str) -> None:
    grey = qr(LINK).resize((330, 330), Image.Resampling.NEAREST)
    picture = (
        Image.frombytes("I;16", grey.size, b"".join(bytes([v, v]) for v in grey.tobytes()))
        if mode == "I;16"
        else grey.convert(mode)
    )
    assert codes(picture, "JPEG" if mode == "CMYK" else "PNG") == (LINK,)


def test_transparent_background_is_paper() -> None:
    grey = qr(LINK).resize((330, 330), Image.Resampling.NEAREST)
    black = Image.new("LA", grey.size, (0, 0))
    black.putalpha(grey.point(lambda value: 255 - value))
    assert codes(black) == (LINK,)


def test_the_name_decides_nothing(sheet: Image.Image) -> None:
    assert read(encoded(sheet), name="certificate.pdf").codes == (OFFLINE, LINK)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(Image.new("L", (400, 300), 255), id="empty"),
        pytest.param(Image.new("L", (1, 1)), id="one pixel"),
        pytest.param(qr("https://elsewhere.example/").resize((300, 300)), id="another code"),
        pytest.param(qr("WIFI:S:guest;;").resize((300, 300)), id="no address"),
    ],
)
def test_nothing_of_ours(picture: Image.Image) -> None:
    assert codes(picture) == ()


def test_two_documents_on_one_picture_are_ambiguous() -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        codes(strip(LINK, OTHER_LINK))
    assert caught.value.reason == "several_codes"


def test_the_same_code_twice_is_one() -> None:
    assert codes(strip(LINK, LINK)) == (LINK,)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """Return the beginning of a PNG that claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", header) + b"".join(chunks)


class TestHostilePictures:
    @pytest.mark.parametrize("side", [8001, 20_000, 60_000, 2**31 - 1])
    def test_pixels_are_counted_before_they_are_decoded(self, side: int) -> None:
        bomb = png(side, side, _png_chunk(b"IDAT", zlib.compress(bytes(10_000))))
        with pytest.raises(LimitExceededError) as caught:
            read(bomb, name="bomb")
        assert caught.value.limit == MAX_PICTURE_PIXELS

    def test_too_many_bytes(self) -> None:
        with pytest.raises(LimitExceededError):
            read(png(1, 1) + bytes(MAX_PICTURE_BYTES), name="big")

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"\x89PNG\r\n\x1a\n", id="only the beginning"),
            pytest.param(png(100, 100), id="no data"),
            pytest.param(png(100, 100, _png_chunk(b"IDAT", b"garbage")), id="garbage"),
            pytest.param(png(100, 100, b"\xff\xff\xff\xffIDAT"), id="endless chunk"),
            pytest.param(b"\xff\xd8\xff\xe0" + bytes(50), id="JPEG without anything"),
            pytest.param(b"\xff\xd8\xff" + b"GIF89a" * 20, id="JPEG in name only"),
        ],
    )
    def test_damaged(self, data: bytes) -> None:
        with pytest.raises(MalformedEvidenceError) as caught:
            read(data, name="damaged")
        assert caught.value.reason == "picture"

    def test_cut_off(self, sheet: Image.Image) -> None:
        for kind in ("PNG", "JPEG"):
            whole = encoded(sheet, kind)
            with pytest.raises(MalformedEvidenceError):
                read(whole[: len(whole) // 2], name="cut off")

    @settings(
        max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
    )
    @given(st.data())
    def test_any_change_is_read_or_refused(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(["PNG", "JPEG"]))
        picture = bytearray(encoded(qr(LINK).resize((120, 120)), kind))
        for _ in range(data.draw(st.integers(1, 5))):
            picture[data.draw(st.integers(3, len(picture) - 1))] = data.draw(st.integers(0, 255))
        try:
            found = read(bytes(picture), name="changed")
        except MalformedEvidenceError:
            return
        assert found.codes in ((), (LINK,))
