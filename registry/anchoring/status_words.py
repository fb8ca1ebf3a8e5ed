"""Status bits packed as the contract takes them. Pure.

The entry with index i of a list is bit i % 256 of word i // 256, bit 0 the least significant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

WORD_BITS: Final = 256
MAX_WORDS: Final = 512  # of one call; as many fresh words need 12.5 of 16.7 million gas
MAX_INDEX: Final = 2**32 - 1
_WORD_NUMBER_BYTES: Final = 4
_MASK_BYTES: Final = 32
_RECORD_BYTES: Final = _WORD_NUMBER_BYTES + _MASK_BYTES


def pack(indexes: Iterable[int]) -> dict[int, int]:
    """Return the masks that cover `indexes`, by number of the word, in ascending order.

    Raises:
        ValueError: An index is outside 0 to 2^32 - 1, or there is none.
    """
    words: dict[int, int] = {}
    for index in indexes:
        if not 0 <= index <= MAX_INDEX:
            raise ValueError(f"status index {index} is outside 0 to {MAX_INDEX}")
        word, bit = divmod(index, WORD_BITS)
        words[word] = words.get(word, 0) | 1 << bit
    if not words:
        raise ValueError("there is no status index")
    return dict(sorted(words.items()))


def split(words: dict[int, int], *, at_most: int = MAX_WORDS) -> Iterator[dict[int, int]]:
    """Cut words into parts that fit one call each, in order."""
    rest = iter(words.items())
    while part := dict(islice(rest, at_most)):
        yield part


def dump_words(words: dict[int, int]) -> bytes:
    """Return words as stored: number and mask, big-endian, 36 bytes each."""
    return b"".join(
        word.to_bytes(_WORD_NUMBER_BYTES) + mask.to_bytes(_MASK_BYTES)
        for word, mask in words.items()
    )


def load_words(data: bytes) -> dict[int, int]:
    """Return the words that `dump_words` stored."""
    return {
        int.from_bytes(data[at : at + _WORD_NUMBER_BYTES]): int.from_bytes(
            data[at + _WORD_NUMBER_BYTES : at + _RECORD_BYTES]
        )
        for at in range(0, len(data), _RECORD_BYTES)
    }
