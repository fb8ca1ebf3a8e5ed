"""Forms as browsers send them: `application/x-www-form-urlencoded` and `multipart/form-data`.

Parsed from a body that is wholly in memory and whose size `registry.kit.body_limit` has bounded;
what a browser would not send is refused instead of guessed at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from registry.kit.body_limit import media_type
from registry.kit.errors import InvalidInputError

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
MAX_FIELDS: Final = 2000  # a hundred drafts ticked on one page have 100
MAX_NAME_CHARS: Final = 255
_MAX_PART_HEADER: Final = 4096
_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"\r\n]{1,70})"|([^\s;,"]{1,70}))')
_NAME: Final = re.compile(r';\s*name="([^"\r\n]*)"')
_FILENAME: Final = re.compile(r';\s*filename="([^"\r\n]*)"')


class MalformedFormError(InvalidInputError):
    """The body is no form as a browser sends it."""

    code = "malformed_form"


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a form.

    Attributes:
        name: Its name as the browser tells it, without folders; for people only, never a path.
        content: Its bytes.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form in the order in which they were sent."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, Sequence[UploadedFile]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return the first value of a field without white space around it, "" without one."""
        return next(iter(self.values.get(name, ())), "").strip()

    def raw(self, name: str) -> str:
        """Return the first value of a field exactly as sent, "" without one."""
        return next(iter(self.values.get(name, ())), "")

    def texts(self, name: str) -> list[str]:
        """Return every value of a field."""
        return list(self.values.get(name, ()))

    def chosen_files(self, name: str) -> list[UploadedFile]:
        """Return the files of a field; browsers send an empty one where none was chosen."""
        return [file for file in self.files.get(name, ()) if file.name or file.content]


def parse_form(content_type: str, body: bytes) -> Form:
    """Parse a form.

    Args:
        content_type: The header of this name.
        body: The whole body.

    Raises:
        MalformedFormError: It is no form, has too many fields, or is not UTF-8.
    """
    kind = media_type(content_type)
    try:
        if kind == URLENCODED:
            return _urlencoded(body)
        if kind == MULTIPART:
            return _multipart(content_type, body)
    except UnicodeDecodeError as error:
        raise MalformedFormError("the form is not UTF-8") from error
    raise MalformedFormError("send a form")


async def read_form(request: Request) -> Form:
    """Provide the form that a request carries.

    Raises:
        MalformedFormError: It carries none.
    """
    return parse_form(request.headers.get("content-type", ""), await request.body())


FormDep = Annotated[Form, Depends(read_form)]


def _urlencoded(body: bytes) -> Form:
    try:
        pairs = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise MalformedFormError(f"a form has at most {MAX_FIELDS} fields") from error
    values: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        values[name].append(value)
    return Form(values)


def _multipart(content_type: str, body: bytes) -> Form:
    """Parse as in RFC 7578; nested parts and transfer encodings are not sent by browsers."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise MalformedFormError("the parts of the form have no boundary")
    delimiter = b"\r\n--" + (found[1] or found[2]).encode("latin-1", "replace")
    before, *parts = (b"\r\n" + body).split(delimiter, MAX_FIELDS + 1)
    if before or not parts or not parts[-1].startswith(b"--"):
        raise MalformedFormError("the form is incomplete, or has too many fields")
    values: defaultdict[str, list[str]] = defaultdict(list)
    files: defaultdict[str, list[UploadedFile]] = defaultdict(list)
    for part in parts[:-1]:
        disposition, content = _split_part(part)
        name = _NAME.search(disposition)
        if name is None:
            raise MalformedFormError("a part of the form has no name")
        filename = _FILENAME.search(disposition)
        if filename is None:
            values[name[1]].append(content.decode("utf-8"))
        else:
            files[name[1]].append(UploadedFile(_base_name(filename[1]), content))
    return Form(values, files)


def _split_part(part: bytes) -> tuple[str, bytes]:
    """Return the disposition of a part and its content."""
    head, separator, content = part.partition(b"\r\n\r\n")
    if not separator or len(head) > _MAX_PART_HEADER:
        raise MalformedFormError("a part of the form is malformed")
    for line in head.decode("utf-8").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            return value, content
    raise MalformedFormError("a part of the form does not say what it is")


def _base_name(name: str) -> str:
    """Return a file name without folders and without what cannot be shown."""
    base = re.split(r"[/\\]", name)[-1].replace("%22", '"')
    return "".join(c for c in base if c.isprintable())[:MAX_NAME_CHARS]
