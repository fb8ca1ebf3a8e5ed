"""The objects of a PDF as our typesetter writes it: plain, without object streams."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

_OBJECT = re.compile(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_STREAM = re.compile(rb"^(<<.*?>>)\nstream\n(.*)\nendstream$", re.DOTALL)
_REFERENCE = re.compile(rb"(\d+) 0 R")


@dataclass(frozen=True)
class PdfObject:
    """One object: its dictionary as written, and its stream as stored."""

    head: bytes
    stored: bytes | None

    @property
    def content(self) -> bytes:
        """The stream, unpacked."""
        assert self.stored is not None
        return zlib.decompress(self.stored) if b"/FlateDecode" in self.head else self.stored

    def has(self, name: str) -> bool:
        """Tell whether a name stands in the dictionary, as key or as value."""
        return re.search(rb"/" + name.encode() + rb"(?![A-Za-z0-9_#.-])", self.head) is not None


@dataclass(frozen=True)
class PdfStructure:
    """All objects of a file by number, and its trailer."""

    objects: dict[int, PdfObject]
    trailer: bytes

    @classmethod
    def of(cls, pdf: bytes) -> PdfStructure:
        """Take a file apart."""
        assert b"/ObjStm" not in pdf, "written with object streams, which this cannot read"
        objects = {}
        for found in _OBJECT.finditer(pdf):
            stream = _STREAM.match(found[2])
            head, stored = (stream[1], stream[2]) if stream else (found[2], None)
            objects[int(found[1])] = PdfObject(head, stored)
        return cls(objects, pdf[pdf.rindex(b"trailer") :])

    @property
    def catalog(self) -> PdfObject:
        """The root."""
        return self.one(self.trailer, "Root")

    def one(self, head: bytes, key: str) -> PdfObject:
        """Return what a key refers to."""
        found = re.search(rb"/" + key.encode() + rb" (\d+) 0 R", head)
        assert found, f"there is no reference {key} in {head[:200]!r}"
        return self.objects[int(found[1])]

    def many(self, head: bytes, key: str) -> list[PdfObject]:
        """Return what the references of an array refer to; the array may be an object."""
        found = re.search(rb"/" + key.encode() + rb" ?\[(.*?)\]", head, re.DOTALL)
        listed = found[1] if found else self.one(head, key).head
        return [self.objects[int(number)] for number in _REFERENCE.findall(listed)]

    def with_type(self, name: str) -> list[PdfObject]:
        """Return all objects of a type."""
        wanted = re.compile(rb"/Type ?/" + name.encode() + rb"(?![A-Za-z])")
        return [each for each in self.objects.values() if wanted.search(each.head)]
