"""Markup and marks that turn the direction of writing, in every text of an import.

They are refused with their place, or, where somebody got them past the import, shown as text on
pages and paper.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pypdfium2 as pdfium
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from registry.access.domain import Role
from registry.bodies.importers import body_of
from registry.certificates.importers import drafts_of, read_file
from registry.certificates.models import CertificateRow
from registry.certificates.rendering.paper import Sheet, font_directories, render_pdf
from tests.support.desk import add_person, sign_in, tenant
from tests.support.registry_world import World, samples
from tests.support.web import Html, make_app

ROOT: Final = Path(__file__).parents[3]
MARKUP: Final = "<img src=x onerror=alert(1)>"
HOSTILE: Final = (MARKUP, "<script>alert(1)</script>", "<!--", "a\u202eb", "a\u2066b", "a\x00b")
BODIES: Final = {value["id"]: body_of(value) for value in samples()["bodies"]}
DOCUMENTS: Final = samples()["documents"]


def texts(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every text in a document."""
    if isinstance(value, dict | list):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(each, (*place, name))
    elif isinstance(value, str):
        yield place


def with_text(document: Any, place: tuple[Any, ...], words: str) -> Any:
    changed = deepcopy(document)
    node = changed
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = words
    return changed


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each["number"])
def test_every_text_of_an_import_is_refused_with_its_place(document: dict[str, Any]) -> None:
    places = list(texts(document))
    assert len(places) > 50
    for place in places:
        for words in HOSTILE:
            content = json.dumps([with_text(document, place, words)]).encode()
            file = read_file(content, source="a.json")
            drafts, problems = drafts_of(file.documents, BODIES)
            pointer = "/0/" + "/".join(map(str, place))
            found = [each.pointer for each in (*file.problems, *problems)]
            assert not drafts, (place, words)
            assert any(each == pointer or pointer.startswith(each) for each in found), place


@pytest.mark.parametrize("at", range(len(DOCUMENTS)))
def test_what_got_past_the_import_is_text_on_the_page(world: World, at: int) -> None:
    """As if an older program, or somebody at the database, had let it through."""
    document = deepcopy(DOCUMENTS[at])
    for place in texts(document):
        if place[0] not in {"kind", "number", "languages"} and "language" not in place:
            document = with_text(document, place, f"{MARKUP} {'.'.join(map(str, place))}")
    [identifier] = world.draft(DOCUMENTS[at])
    with world.database.begin() as session:
        session.execute(
            update(CertificateRow)
            .where(CertificateRow.id == identifier)
            .values(document=json.dumps(document))
        )
    alias = DOCUMENTS[at]["issuer"]["body"]
    add_person(world, "wang", [(Role.APPROVER, tenant(world, alias))])
    app: FastAPI = make_app(world)
    for language in ("zh", "en"):
        answer = sign_in(app, "wang").get(f"/desk/certificates/{identifier}?lang={language}")
        assert answer.status_code == 200
        page = Html(answer.text)
        assert MARKUP in page.text
        assert not [tag for tag, _ in page.tags if tag in {"img", "script"} and "src=x" in str(_)]
        assert all("onerror" not in members for _, members in page.tags)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each["number"])
def test_what_got_past_the_import_is_text_on_paper(document: dict[str, Any]) -> None:
    """Markup of the typesetter is text, too."""
    evil = '#read("/etc/passwd") $x$ *b* <label> @ref'
    shown = deepcopy(document)
    shown["title"] = {"en": evil, "zh": evil}
    shown["consignment"]["description"] = {"en": evil, "zh": evil}
    body = samples()["bodies"][0]
    pdf = render_pdf(
        Sheet(
            document=shown,
            issuer_name=body["name"],
            identifiers=body["identifiers"],
            withheld=[],
            destination=None,
            link_code="https://verify.lancang.example/c#i=" + "A" * 22 + "&h=" + "B" * 43,
            offline_code="https://verify.lancang.example/o#" + "Zm9vYmFy" * 100,
            sdjwt=b"x~",
            receipt=b"{}",
            signed_at=datetime(2026, 11, 21, 8, tzinfo=UTC),
            leaf="B" * 43,
        ),
        fonts=font_directories(ROOT / "node_modules"),
    )
    with pdfium.PdfDocument(pdf) as opened:
        words = "".join(each.get_textpage().get_text_range() for each in opened)
    assert "#read" in words.replace("\r\n", "")
    assert "root:" not in words
