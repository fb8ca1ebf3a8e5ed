"""Documents in which everything differs that differs between real ones, by a seed.

Names, places, numbers, seals, dates, quantities and measured values are drawn; parameters, methods,
units and requirements are those of the samples, as those of one field of testing are.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from tests.support.certificates import sample_documents

_MOMENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}:\d{2}.*)?", re.ASCII)
_LETTERS: Final = string.ascii_uppercase
_DIGITS: Final = string.digits
_SYLLABLES: Final = [first + second for first in "bcdfghklmnprstvwxyz" for second in "aeiou"]


def varied_documents(
    count: int, *, seed: int, prefix: str = "DEMO-VARIED"
) -> Iterator[dict[str, Any]]:
    """Yield documents of all kinds in turn, each with a number of its own.

    Args:
        count: How many.
        seed: Another seed gives other documents.
        prefix: Beginning of every number.
    """
    chance = random.Random(seed)  # noqa: S311  (nothing secret)
    for at in range(count):
        samples = sample_documents()
        document = samples[at % len(samples)]
        document["number"] = f"{prefix}-{at:07}"
        document["replaces"], document["revision"] = None, 1
        _draw(document, chance, timedelta(days=chance.randrange(-300, 150)), ())
        yield document


def _draw(node: Any, chance: random.Random, shift: timedelta, path: tuple[str, ...]) -> None:
    entries = node.items() if isinstance(node, dict) else enumerate(node)
    for name, value in list(entries):
        place = (*path, str(name)) if isinstance(name, str) else path
        if isinstance(value, dict | list):
            _draw(value, chance, shift, place)
        elif isinstance(value, str):
            node[name] = _drawn(value, chance, shift, place)


def _drawn(value: str, chance: random.Random, shift: timedelta, path: tuple[str, ...]) -> str:
    holder, name = path[0], path[-1]
    if _MOMENT.fullmatch(value) and holder in ("dates", "sampling", "consignment", "task"):
        moment = datetime.fromisoformat(value) + shift
        return moment.isoformat() if "T" in value else moment.date().isoformat()
    if name in ("value", "reported", "expanded") and re.fullmatch(r"\d+(\.\d+)?", value):
        # The last digit stays, so that reported and measured value can be kept alike.
        return value if path[-2:] == ("result", "reported") else _digits(value, chance)
    if holder == "customer" and name in ("name", "address", "contact"):
        return " ".join(_word(chance) for _ in range(3 + (name == "address")))
    if name in ("location", "sampled_at", "signatory", "name") and holder in (
        "sampling", "signatory",
    ):  # fmt: skip
        return " ".join(_word(chance) for _ in range(3))
    if name.endswith("_no") or name in ("sample_id", "orchard_code", "packing_house_code"):
        return _digits(value, chance)
    return value


def _digits(value: str, chance: random.Random) -> str:
    drawn = [
        chance.choice(_DIGITS) if letter in _DIGITS and at else letter
        for at, letter in enumerate(value)
    ]
    return "".join(drawn)


def _word(chance: random.Random) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(chance.randrange(2, 5))).title()
