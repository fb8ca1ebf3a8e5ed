"""Shapes of JSON values: one description that validates, explains and becomes a JSON Schema.

`accepts` answers a verifier: quickly, for values that `parse_json` returned, on type, length and
pattern. `problems` answers whoever prepares a document: it takes anything, finds every error in
one go, says where (JSON Pointer, RFC 6901), and is stricter on text, which must not be blank, hold
markup or break a line that must be one.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from verifier.core.strict_json import JsonObject, plain_lines, text_problem

_MARKUP: Final = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(\s[^<>]*)?/?>|<[!?]")
_LINE_BREAK: Final = re.compile(r"[\n\t]")
_BLANK: Final = re.compile(r'(?<=")\s+"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One error in a document.

    Attributes:
        pointer: JSON Pointer to the offending value, or to where a missing one belongs.
        code: Stable name of the error, listed in docs/evidence-format.md.
        message: A sentence for the person who has to correct it.
    """

    pointer: str
    code: str
    message: str


class Shape(ABC):
    """What a JSON value must look like."""

    __slots__ = ()

    @abstractmethod
    def accepts(self, value: object) -> bool:
        """Tell whether a value returned by `parse_json`, free of nulls, has this shape."""

    def problems(self, value: object, pointer: str) -> Iterator[Problem]:
        """Yield every error of `value`, which stands at `pointer`."""
        if value is None:
            yield Problem(pointer=pointer, code="required", message="is missing")
        elif isinstance(value, float):
            message = "must not be a binary fraction; write decimals as text"
            yield Problem(pointer=pointer, code="float", message=message)
        else:
            yield from self._problems(value, pointer)

    def schema(self, *, nullable: bool) -> JsonObject:
        """Return the JSON Schema; `nullable` lets optional members be null, meaning absent."""
        return self._schema(nullable)

    @abstractmethod
    def _problems(self, value: object, pointer: str) -> Iterator[Problem]: ...

    @abstractmethod
    def _schema(self, nullable: bool) -> JsonObject: ...


@dataclass(frozen=True, slots=True)
class Text(Shape):
    """Text that is not blank; one line unless `lines`.

    Attributes:
        longest: Largest number of characters.
        pattern: Regular expression for the whole text, within the syntax shared with ECMA-262.
        code: Code of the error when `pattern` does not match.
        wanted: What the pattern asks for, to complete "must be …".
        lines: Line feeds and tabs are allowed.
    """

    longest: int = 200
    pattern: str | None = None
    code: str = "pattern"
    wanted: str = ""
    lines: bool = False
    _compiled: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compiled = None if self.pattern is None else re.compile(self.pattern, re.ASCII)
        object.__setattr__(self, "_compiled", compiled)

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        return (
            isinstance(value, str)
            and 0 < len(value) <= self.longest
            and (self._compiled is None or self._compiled.fullmatch(value) is not None)
        )

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield _type_problem("text", pointer)
            return
        unclean = text_problem(value)
        if unclean is not None:
            message = f"must not hold {_UNCLEAN[unclean]}"
            yield Problem(pointer=pointer, code=unclean, message=message)
        elif not value or value.isspace():
            yield Problem(pointer=pointer, code="empty", message="must not be empty")
        elif len(value) > self.longest:
            message = f"must have at most {self.longest} characters, not {len(value)}"
            yield Problem(pointer=pointer, code="too_long", message=message)
        elif _MARKUP.search(value):
            yield Problem(pointer=pointer, code="markup", message="must not hold markup")
        elif not self.lines and _LINE_BREAK.search(value):
            yield Problem(pointer=pointer, code="line_break", message="must be one line")
        elif self._compiled is not None and not self._compiled.fullmatch(value):
            yield Problem(pointer=pointer, code=self.code, message=f"must be {self.wanted}")

    def _schema(self, nullable: bool) -> JsonObject:
        schema: JsonObject = {"type": "string", "minLength": 1, "maxLength": self.longest}
        if self.pattern is not None:
            schema["pattern"] = f"^(?:{self.pattern})$"
        return schema


@dataclass(frozen=True, slots=True)
class Choice(Shape):
    """One of a fixed set of words."""

    words: tuple[str, ...]

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        return isinstance(value, str) and value in self.words

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        if not self.accepts(value):
            message = f"must be one of {', '.join(self.words)}"
            yield Problem(pointer=pointer, code="not_allowed", message=message)

    def _schema(self, nullable: bool) -> JsonObject:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Flag(Shape):
    """True or false."""

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        return isinstance(value, bool)

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, bool):
            yield _type_problem("true or false", pointer)

    def _schema(self, nullable: bool) -> JsonObject:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Integer(Shape):
    """An integer in [`least`, `most`]; for counts and ordinals, never for measured values."""

    least: int
    most: int

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        return type(value) is int and self.least <= value <= self.most

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        if type(value) is not int:
            yield _type_problem("an integer", pointer)
        elif not self.accepts(value):
            message = f"must be {self.least} to {self.most}"
            yield Problem(pointer=pointer, code="out_of_range", message=message)

    def _schema(self, nullable: bool) -> JsonObject:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Either(Shape):
    """A value of any one of several shapes, which differ in JSON type."""

    shapes: tuple[Shape, ...]

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        return any(shape.accepts(value) for shape in self.shapes)

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        """Yield the fewest errors that any of the shapes finds, an untyped one at last."""
        found = [list(shape.problems(value, pointer)) for shape in self.shapes]
        if all(found):
            typed = [errors for errors in found if errors[0].code not in ("type", "float")]
            yield from min(typed or found, key=len)

    def _schema(self, nullable: bool) -> JsonObject:
        return {"anyOf": [shape.schema(nullable=nullable) for shape in self.shapes]}


@dataclass(frozen=True, slots=True)
class ListOf(Shape):
    """A list of `least` to `most` values of one shape; `unique` refuses equal ones."""

    item: Shape
    least: int = 0
    most: int = 64
    unique: bool = False

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        if not isinstance(value, list) or not self.least <= len(value) <= self.most:
            return False
        accepts = self.item.accepts
        for item in value:
            if not accepts(item):
                return False
        return not (self.unique and _repeated(value))

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield _type_problem("a list", pointer)
            return
        if len(value) < self.least:
            message = f"must have at least {self.least} entries"
            yield Problem(pointer=pointer, code="too_few", message=message)
        if len(value) > self.most:
            message = f"must have at most {self.most} entries, not {len(value)}"
            yield Problem(pointer=pointer, code="too_many", message=message)
            return
        for at, item in enumerate(value):
            yield from self.item.problems(item, f"{pointer}/{at}")
        if self.unique and _repeated(value):
            yield Problem(pointer=pointer, code="repeated", message="must not repeat an entry")

    def _schema(self, nullable: bool) -> JsonObject:
        item = self.item.schema(nullable=nullable)
        schema: JsonObject = {"type": "array", "items": item, "maxItems": self.most}
        if self.least:
            schema["minItems"] = self.least
        if self.unique:
            schema["uniqueItems"] = True
        return schema


@dataclass(frozen=True, slots=True)
class Object(Shape):
    """An object with these members and no others; null stands for an absent optional member."""

    members: Mapping[str, Shape]
    required: frozenset[str] = frozenset()
    # Longest length of the members that are text without a pattern, the bulk of every document:
    # checked in place, at a third of the cost of a call.
    _longest: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        longest = {
            name: shape.longest
            for name, shape in self.members.items()
            if isinstance(shape, Text) and shape.pattern is None
        }
        object.__setattr__(self, "_longest", longest)

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        if not isinstance(value, dict):
            return False
        lengths, shapes = self._longest, self.members
        for name, member in value.items():
            if name in lengths:
                if not isinstance(member, str) or not 0 < len(member) <= lengths[name]:
                    return False
            elif name not in shapes or not shapes[name].accepts(member):
                return False
        return self.required <= value.keys()

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield _type_problem("an object", pointer)
            return
        for name, shape in self.members.items():
            member = value.get(name)
            if member is not None:
                yield from shape.problems(member, f"{pointer}/{escape(name)}")
            elif name in self.required:
                place = f"{pointer}/{escape(name)}"
                yield Problem(pointer=place, code="required", message="is missing")
        yield from unknown_members(value, self.members, pointer)

    def _schema(self, nullable: bool) -> JsonObject:
        properties: JsonObject = {}
        for name, shape in self.members.items():
            schema = shape.schema(nullable=nullable)
            optional = nullable and name not in self.required
            properties[name] = {"anyOf": [schema, {"type": "null"}]} if optional else schema
        return {
            "type": "object",
            "properties": properties,
            "required": [*sorted(self.required)],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class TextByLanguage(Shape):
    """The same text in one or more languages, by BCP 47 tag."""

    text: Text
    tag: Text

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        if not isinstance(value, dict) or not value:
            return False
        for tag, text in value.items():
            if not self.tag.accepts(tag) or not self.text.accepts(text):
                return False
        return True

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield _type_problem("an object of texts by language", pointer)
            return
        present = {tag: text for tag, text in value.items() if text is not None}
        if not present:
            yield Problem(pointer=pointer, code="empty", message="must have at least one language")
        for tag, text in present.items():
            place = f"{pointer}/{escape(str(tag))}"
            yield from self.tag.problems(tag, place)
            yield from self.text.problems(text, place)

    def _schema(self, nullable: bool) -> JsonObject:
        text = self.text.schema(nullable=nullable)
        return {
            "type": "object",
            "propertyNames": self.tag.schema(nullable=nullable),
            "additionalProperties": {"anyOf": [text, {"type": "null"}]} if nullable else text,
            "minProperties": 1,
        }


def surely_right(shape: Shape, value: object, text: str) -> bool:
    """Tell whether `shape.problems` certainly finds nothing in `value`, at a third of its cost.

    `accepts` settles everything but the cleanliness of text. It refuses null and binary fractions,
    so a value with either, and one with a line break anywhere, is left to `problems`.

    Args:
        shape: The shape.
        value: The value.
        text: Its JSON text without white space between the tokens.
    """
    # What needs a closer look stands behind a backslash, line breaks among it. No character
    # composes with a quotation mark, and what is markup in one text is markup in the whole.
    return (
        shape.accepts(value)
        and "\\" not in text
        and plain_lines([text.encode("utf-8", "surrogatepass")]) is not None
        and not ("<" in text and _MARKUP.search(text))
        and not _BLANK.search(text)
    )


def escape(name: object) -> str:
    """Return a member name as a reference token of a JSON Pointer (RFC 6901, section 3)."""
    return str(name).replace("~", "~0").replace("/", "~1")


def unknown_members(
    value: Mapping[object, object], known: Mapping[str, Shape] | Sequence[str], pointer: str
) -> Iterator[Problem]:
    """Yield a problem for every member of `value` that is not `known`."""
    for name in value:
        if name not in known:
            place = f"{pointer}/{escape(name)}"
            yield Problem(pointer=place, code="unknown_member", message="is not a known field")


_UNCLEAN: Final = {
    "control_character": "control characters or marks that change the direction of writing",
    "not_nfc": "text outside Unicode normalisation form C",
}


def _type_problem(wanted: str, pointer: str) -> Problem:
    return Problem(pointer=pointer, code="type", message=f"must be {wanted}")


def _repeated(items: Sequence[object]) -> bool:
    return any(item in items[:at] for at, item in enumerate(items))
