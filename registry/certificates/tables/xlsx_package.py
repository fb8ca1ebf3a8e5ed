"""The ZIP package of an XLSX file: measured before anything is unpacked, XML without DTDs.

Nothing here builds a tree: parts are unpacked in chunks and handed to a parser that forgets them.

Source: ECMA-376 part 2 (packages); APPNOTE 6.3 (ZIP).
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Final
from xml.parsers import expat

from registry.certificates.tables.rows import refuse

MAX_PARTS: Final = 1000
MAX_UNPACKED_BYTES: Final = 400 * 1024 * 1024  # a table of 100 MiB as CSV, with its markup
_CHUNK: Final = 64 * 1024
_COMPRESSION: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x1
_OLD_OFFICE: Final = bytes.fromhex("d0cf11e0a1b11ae1")  # also the wrapping of encrypted files


class Package:
    """The parts of an XLSX file.

    Raises:
        UnreadableTableError: It is no ZIP file, or its directory announces too much.
    """

    def __init__(self, data: bytes) -> None:
        if data.startswith(_OLD_OFFICE):
            refuse("xlsx_locked", "is an old .xls file or has a password; save it as plain .xlsx")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
            refuse("xlsx_damaged", f"is no XLSX file: {error}")
        self._parts = {info.filename: info for info in self._zip.infolist()}
        self._check_directory()

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def parse(self, name: str, handlers: XmlHandlers) -> Iterator[None]:
        """Parse a part in chunks; yields after each, so that what was found can be handed on.

        Raises:
            UnreadableTableError: The part is missing, damaged, no XML, or has a DTD.
        """
        info = self._parts.get(name)
        if info is None:
            refuse("xlsx_damaged", f"lacks its part {name[:100]}")
        parser = _parser(handlers)
        try:
            with self._zip.open(info) as stream:
                while chunk := stream.read(_CHUNK):
                    parser.Parse(chunk, False)
                    yield
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            refuse("xlsx_damaged", f"has a part {name[:100]} that is no XML: {error}")
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            refuse("xlsx_damaged", f"has a damaged part {name[:100]}: {error}")
        yield

    def _check_directory(self) -> None:
        infos = self._zip.infolist()
        if len(infos) > MAX_PARTS or len(infos) != len(self._parts):
            refuse("xlsx_damaged", f"has more than {MAX_PARTS} parts, or two of one name")
        unpacked = sum(info.file_size for info in infos)
        if unpacked > MAX_UNPACKED_BYTES:
            message = f"unpacks to {unpacked} bytes, more than {MAX_UNPACKED_BYTES}"
            refuse("too_large", message)
        if any(info.flag_bits & _ENCRYPTED for info in infos):
            refuse("xlsx_locked", "has a password; save it without")
        if any(info.compress_type not in _COMPRESSION for info in infos):
            refuse("xlsx_damaged", "is compressed in a way that XLSX does not allow")
        if any(name.lower().endswith("vbaproject.bin") for name in self._parts):
            refuse("macros", "holds macros; save it as plain .xlsx")


class XmlHandlers:
    """What a part means; names come without their namespaces, of which each part has but one."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note the beginning of an element."""

    def end(self, name: str) -> None:
        """Note the end of an element."""

    def text(self, text: str) -> None:
        """Note a piece of text."""


class Relationships(XmlHandlers):
    """Targets of the relationships of a part, by id, with the last word of their types."""

    def __init__(self, base: str) -> None:
        self._base = base
        self.targets: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note a relationship."""
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.join(self._base, attributes.get("Target", ""))
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.targets[attributes.get("Id", "")] = (posixpath.normpath(target).lstrip("/"), kind)


def _parser(handlers: XmlHandlers) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    start, end = handlers.start, handlers.end

    def on_start(name: str, attributes: dict[str, str]) -> None:
        start(name.rpartition(" ")[2], attributes)

    def on_end(name: str) -> None:
        end(name.rpartition(" ")[2])

    def on_doctype(*_: object) -> None:
        refuse("xml_dtd", "declares XML entities or a document type; no spreadsheet needs them")

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.CharacterDataHandler = handlers.text
    parser.StartDoctypeDeclHandler = on_doctype
    parser.EntityDeclHandler = on_doctype
    return parser
