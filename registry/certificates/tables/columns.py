"""The columns of a table of certificates, derived from the shapes of the import document.

A column is a path into the document. The list of results is not numbered: its place is the row.
Entries of other lists of objects are numbered from 1 (`conclusions.2.agency`), texts by language
end in a language tag (`title.zh`), and a list of texts is one column.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from verifier.core.document import IMPORT_SHAPES
from verifier.core.field_policy import DocumentKind
from verifier.core.shapes import ListOf, Object, Shape, Text, TextByLanguage

ROWS: Final[Mapping[DocumentKind, str]] = {
    DocumentKind.TEST_CERTIFICATE: "results",
    DocumentKind.INSPECTION_RECORD: "checklist",
}
TEMPLATE_LANGUAGES: Final = ("zh", "en")  # what labels exist in, and the texts a template offers
_COMPUTED: Final = ("replaces", "changed")  # by comparing; nobody has to fill it in
_TEMPLATE_ENTRIES: Final = 3  # columns that a template offers for a list of objects
_MAX_ENTRIES: Final = 64
_JOINT: Final[Mapping[str, str]] = {"zh": " · ", "en": ": "}


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        path: Names and 1-based numbers from the document to the value, e.g.
            ("results", "parameter", "name", "zh").
        shape: What the value must look like.
        of_row: Whether it belongs to the result of its row, not to the whole document.
        required: Whether a document cannot do without it.
    """

    path: tuple[str, ...]
    shape: Shape
    of_row: bool
    required: bool = False

    @property
    def name(self) -> str:
        """The path as headers write it."""
        return ".".join(self.path)


def column_at(kind: DocumentKind, name: str) -> Column | None:
    """Return the column with a path such as `consignment.hs_code`, None when there is none."""
    path = tuple(name.split("."))
    shape: Shape = IMPORT_SHAPES[kind]
    of_row = path[0] == ROWS[kind]
    for at, step in enumerate(path):
        if isinstance(shape, Object) and step in shape.members:
            shape = shape.members[step]
            if of_row and at == 0 and isinstance(shape, ListOf):
                shape = shape.item
        elif isinstance(shape, TextByLanguage) and shape.tag.accepts(step):
            shape = shape.text
        elif isinstance(shape, ListOf) and not _is_flat(shape) and _is_number(step):
            shape = shape.item
        else:
            return None
    if isinstance(shape, Object | TextByLanguage) or not _is_flat(shape):
        return None
    return Column(path, shape, of_row)


@cache
def template_columns(kind: DocumentKind) -> tuple[Column, ...]:
    """Return every column that a template offers, in the order of the document's fields."""
    return tuple(_walk(IMPORT_SHAPES[kind], (), ROWS[kind], required=True))


def label(column: Column, language: str) -> str:
    """Return the header of a column in `zh` or `en`, e.g. "Consignment: HS code"."""
    # Everything below the list of results would begin with "Results".
    steps = column.path[1:] if column.of_row else column.path
    tag = f" ({steps[-1]})" if steps[-1] in TEMPLATE_LANGUAGES else ""
    words = [_word(step, language) for step in (steps[:-1] if tag else steps)]
    return _JOINT[language].join(words) + tag


@cache
def columns_by_label(kind: DocumentKind) -> Mapping[str, Column]:
    """Return the columns of the template by their labels in every language."""
    return {
        label(column, language): column
        for language in TEMPLATE_LANGUAGES
        for column in template_columns(kind)
    }


@cache
def words_of_value(language: str | None = None) -> Mapping[str, tuple[str, ...]]:
    """Return how fixed words such as `pass` are written for people, by word."""
    return {
        key.removeprefix("value:"): tuple(
            text for tag, text in texts.items() if language in (None, tag)
        )
        for key, texts in _labels().items()
        if key.startswith("value:")
    }


def _walk(shape: Shape, path: tuple[str, ...], rows: str, *, required: bool) -> Iterator[Column]:
    of_row = path[:1] == (rows,)
    if path == (rows,) and isinstance(shape, ListOf):
        yield from _walk(shape.item, path, rows, required=required)
    elif isinstance(shape, Object):
        for name, member in shape.members.items():
            needed = required and name in shape.required
            yield from _walk(member, (*path, name), rows, required=needed)
    elif isinstance(shape, TextByLanguage):
        for tag in TEMPLATE_LANGUAGES:
            yield Column((*path, tag), shape.text, of_row, required)
    elif isinstance(shape, ListOf) and not _is_flat(shape):
        for number in range(1, _TEMPLATE_ENTRIES + 1):
            yield from _walk(shape.item, (*path, str(number)), rows, required=False)
    elif path != _COMPUTED:
        yield Column(path, shape, of_row, required)


def _is_flat(shape: Shape) -> bool:
    """Tell whether a value of the shape fits into one cell."""
    return not isinstance(shape, ListOf) or isinstance(shape.item, Text)


def _is_number(step: str) -> bool:
    return step.isascii() and step.isdigit() and step[0] != "0" and int(step[:4]) <= _MAX_ENTRIES


def _word(step: str, language: str) -> str:
    labels = _labels()
    # A word that is right on a page may not do as the header of a column.
    found = labels.get(f"header:{step}") or labels.get(step) or {}
    return found.get(language, step)


@cache
def _labels() -> Mapping[str, Mapping[str, str]]:
    # The one table of words for fields; the printed page uses it too.
    table = resources.files("registry.certificates.rendering").joinpath("labels.json")
    labels: Mapping[str, Mapping[str, str]] = json.loads(table.read_bytes())
    return labels
