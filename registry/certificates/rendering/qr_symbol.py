"""QR symbols of one byte-mode segment with a fixed mask, made quickly.

Everything about a symbol that does not depend on its text (function patterns, order of the data
modules, mask) is computed once for each version, by the `qrcode` package; what remains for a text
is its error correction and putting bits into their places. `qrcode` itself takes twenty times as
long, and `zxing-cpp`, the usual choice where speed counts, splits texts into segments of several
modes, which the format forbids (docs/evidence-format.md, section "QR codes").

Source: ISO/IEC 18004.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, zip_longest
from operator import itemgetter
from typing import Final

import qrcode
from qrcode.base import EXP_TABLE, LOG_TABLE, rs_blocks
from qrcode.constants import ERROR_CORRECT_M
from qrcode.exceptions import DataOverflowError

MASK: Final = 2  # a fixed mask saves the search over all eight
VERSIONS: Final = range(1, 41)
_BYTE_MODE: Final = 0b0100
_LONG_COUNT_VERSION: Final = 10  # from here on the length of a byte segment has 16 bits, not 8
_PADDING: Final = (0xEC, 0x11)
_BITS: Final = tuple(
    bytes(value >> place & 1 for place in range(7, -1, -1)) for value in range(256)
)

Rows = Sequence[bytes]


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all symbols of one version have in common.

    Attributes:
        size: Modules on a side, without quiet zone.
        data_counts: Data codewords of each block.
        correction_count: Error correction codewords of each block.
        place: Picks every module of the symbol, row by row, from the sequence of data bits
            followed by a zero and a one.
        mask: The modules that the mask turns around, as a number of one byte each.
    """

    size: int
    data_counts: tuple[int, ...]
    correction_count: int
    place: Callable[[bytes], tuple[int, ...]]
    mask: int

    @property
    def capacity(self) -> int:
        """Data codewords of the symbol."""
        return sum(self.data_counts)


def qr_rows(text: bytes) -> Rows:
    """Return the modules of the smallest symbol of `text` at level M, 1 for dark.

    Raises:
        qrcode.exceptions.DataOverflowError: The text does not fit the largest symbol.
    """
    frame, long_count = _frame_for(len(text))
    words = _data_words(text, frame.capacity, long_count=long_count)
    bits = b"".join(map(_BITS.__getitem__, _interleaved(words, frame)))
    size = frame.size
    plain = int.from_bytes(bytes(frame.place(bits + b"\0" * 7 + b"\0\1")))
    modules = (plain ^ frame.mask).to_bytes(size * size)
    return [modules[start : start + size] for start in range(0, size * size, size)]


def _frame_for(length: int) -> tuple[_Frame, bool]:
    """Return the frame of the smallest version that holds so many bytes."""
    version = 1 + bisect_left(VERSIONS, length, key=_room)
    if version not in VERSIONS:
        raise DataOverflowError(f"{length} bytes do not fit a QR code")
    return _frame(version), version >= _LONG_COUNT_VERSION


@lru_cache(maxsize=len(VERSIONS))
def _room(version: int) -> int:
    """Return how many bytes of text a version holds: mode and length take 12 or 20 bits."""
    head = 3 if version >= _LONG_COUNT_VERSION else 2
    return sum(int(block.data_count) for block in rs_blocks(version, ERROR_CORRECT_M)) - head


def _data_words(text: bytes, capacity: int, *, long_count: bool) -> bytes:
    """Return the data codewords: mode, length, text, terminator and padding."""
    head = _BYTE_MODE << (16 if long_count else 8) | len(text)
    # Mode and terminator have four bits each, so everything between is shifted by half a byte.
    shifted = (head << 8 * len(text) | int.from_bytes(text)) << 4
    used = len(text) + (3 if long_count else 2)
    free = capacity - used
    return shifted.to_bytes(used) + bytes(_PADDING[at % 2] for at in range(free))


def _interleaved(words: bytes, frame: _Frame) -> chain[int]:
    """Return the codewords in the order in which they are placed."""
    blocks, start = [], 0
    for count in frame.data_counts:
        blocks.append(words[start : start + count])
        start += count
    corrections = [_correction(block, frame.correction_count) for block in blocks]
    # Later blocks may be one codeword longer; the column of the last one has gaps.
    data = (word for column in zip_longest(*blocks) for word in column if word is not None)
    return chain(data, chain.from_iterable(zip(*corrections, strict=True)))


def _correction(block: bytes, count: int) -> bytes:
    """Return the remainder of a block divided by the generator polynomial over GF(256)."""
    multiples, low, top = _multiples(count), (1 << 8 * (count - 1)) - 1, 8 * (count - 1)
    remainder = 0
    for word in block:
        remainder = (remainder & low) << 8 ^ multiples[word ^ remainder >> top]
    return remainder.to_bytes(count)


@lru_cache(maxsize=len(VERSIONS))
def _multiples(count: int) -> tuple[int, ...]:
    """Return every multiple of the generator of a degree, without its leading coefficient."""
    generator = [1]
    for power in range(count):
        shifted = [*generator, 0]
        for at, coefficient in enumerate(generator):
            shifted[at + 1] ^= _product(coefficient, EXP_TABLE[power])
        generator = shifted
    return tuple(
        int.from_bytes(bytes(_product(factor, each) for each in generator[1:]))
        for factor in range(256)
    )


def _product(one: int, other: int) -> int:
    if not one or not other:
        return 0
    exponent: int = EXP_TABLE[(LOG_TABLE[one] + LOG_TABLE[other]) % 255]
    return exponent


@lru_cache(maxsize=len(VERSIONS))
def _frame(version: int) -> _Frame:
    """Return the frame of a version, with the function patterns that `qrcode` draws."""
    blocks = rs_blocks(version, ERROR_CORRECT_M)
    symbol = qrcode.QRCode(version=version, error_correction=ERROR_CORRECT_M, border=0)
    symbol.data_cache = []  # no data: every data module is light, that is, shows the mask alone
    symbol.makeImpl(test=False, mask_pattern=MASK)
    drawn = symbol.modules
    blank = qrcode.main.precomputed_qr_blanks[version]
    size = len(drawn)
    order = _placement(size, blank, version)
    total = 8 * sum(block.total_count for block in blocks)
    light = total + 7  # behind the data come up to seven remainder bits, then a zero and a one
    source = [light + int(module) for row in drawn for module in row]
    mask = bytearray(size * size)
    for at, (row, column) in enumerate(order):
        source[row * size + column] = at
        mask[row * size + column] = drawn[row][column]
    return _Frame(
        size=size,
        data_counts=tuple(block.data_count for block in blocks),
        correction_count=blocks[0].total_count - blocks[0].data_count,
        place=itemgetter(*source),
        mask=int.from_bytes(mask),
    )


def _placement(
    size: int, blank: Sequence[Sequence[bool | None]], version: int
) -> list[tuple[int, int]]:
    """Return the data modules in the order of the bits: upwards and downwards in pairs of columns.

    The vertical timing pattern has a column of its own, which no pair includes.
    """
    reserved = _information(size, version)
    order = []
    upwards = True
    for right in (*range(size - 1, 6, -2), *range(5, 0, -2)):
        rows = range(size - 1, -1, -1) if upwards else range(size)
        order += [
            (row, column)
            for row in rows
            for column in (right, right - 1)
            if blank[row][column] is None and (row, column) not in reserved
        ]
        upwards = not upwards
    return order


def _information(size: int, version: int) -> set[tuple[int, int]]:
    """Return the modules of format and version information, which blanks leave open."""
    near, far = range(9), range(size - 8, size)
    places = {(8, at) for at in (*near, *far)} | {(at, 8) for at in (*near, *far)}
    if version >= 7:  # noqa: PLR2004 - smaller symbols have no version information
        corner = range(size - 11, size - 8)
        places |= {(row, at) for row in range(6) for at in corner}
        places |= {(at, row) for row in range(6) for at in corner}
    return places
