"""Printing at the desk: chosen by rights, done in the background, fetched, gone on with."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pypdfium2 as pdfium
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from registry.access.domain import Role
from registry.access.models import PersonRow
from registry.certificates.models import CertificateRow
from registry.certificates.print_jobs import KEPT_FOR, PrintShop
from registry.certificates.printing import Selection
from registry.kit.actor import Actor
from registry.safeguards.retention import erase as erase_content
from tests.support.desk import add_person, sign_in, tenant
from tests.support.registry_world import WANG, World, samples
from tests.support.web import Browser, Html, make_app

CLERK, COLLEAGUE, STRANGER = "li", "wang", "somsak"


@pytest.fixture
def app(world: World) -> Iterator[FastAPI]:
    home = tenant(world, "demo-km")
    add_person(world, CLERK, [(Role.CLERK, home)])
    add_person(world, COLLEAGUE, [(Role.APPROVER, home)])
    add_person(world, STRANGER, [(Role.CLERK, tenant(world, "demo-bm"))])
    app = make_app(world)
    yield app
    app.state.print_shop.close()


def issue(world: World, *numbers: str) -> None:
    document = samples()["documents"][0]
    world.issue(*(document | {"number": number} for number in numbers))


def begin(browser: Browser, app: FastAPI, **values: str) -> Any:
    form = Html(browser.get("/desk/print").text).form("/desk/print")
    answer = browser.send(form, {"body": "", "standing": "in_force", **values})
    app.state.print_shop.wait()
    return answer


def address_of(answer: Any) -> str:
    return str(answer.url.path)


def archive_of(answer: Any) -> zipfile.ZipFile:
    assert answer.headers["content-type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(answer.content))


def test_pages_are_printed_and_fetched(world: World, app: FastAPI) -> None:
    issue(world, "A-1", "A-2", "A-3")
    (world.folder / "letterheads" / "demo-km").mkdir(parents=True)
    (world.folder / "letterheads" / "demo-km" / "lines.txt").write_text("Letter Lane 7")
    world.anchor()
    clerk = sign_in(app, CLERK)
    address = address_of(begin(clerk, app))

    page = Html(clerk.get(address).text)
    assert "3 printed" in page.text
    assert not [tag for tag, members in page.tags if members.get("http-equiv") == "refresh"]
    with archive_of(clerk.get(f"{address}/pages.zip")) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == [f"demo-km/A-{number}.pdf" for number in (1, 2, 3)]
        with pdfium.PdfDocument(archive.read("demo-km/A-2.pdf")) as opened:
            assert "Letter Lane 7" in opened[0].get_textpage().get_text_range()
            assert opened.count_attachments() == 2
            each = len(opened)
    with pdfium.PdfDocument(clerk.get(f"{address}/pages.pdf").content) as merged:
        assert len(merged) == 3 * each
    with pdfium.PdfDocument(clerk.get(f"{address}/pages.pdf?sides=2").content) as merged:
        assert len(merged) == 3 * (each + each % 2)


def test_every_printed_certificate_is_recorded_by_name(world: World, app: FastAPI) -> None:
    issue(world, "A-1", "A-2")
    world.anchor()
    begin(sign_in(app, CLERK), app)
    with world.database.read() as session:
        entries = session.connection().exec_driver_sql(
            "SELECT actor FROM audit_entries WHERE action = 'certificate.deliver'"
        )
        assert [CLERK in row[0] for row in entries] == [True, True]


def test_progress_is_shown_without_script_and_with(world: World, app: FastAPI) -> None:
    issue(world, "A-1", "A-2")
    world.anchor()
    clerk = sign_in(app, CLERK)
    shop: PrintShop = app.state.print_shop
    address = address_of(begin(clerk, app))
    outcomes = world.folder / "prints" / address.rpartition("/")[2] / "outcomes.jsonl"
    whole = outcomes.read_bytes()
    first = whole.split(b"\n\n")[0]
    shop.close()  # nobody prints any more
    outcomes.write_bytes(first + b"\n")

    text = clerk.get(address).text
    assert "1 of 2 done" in Html(text).text
    [bar] = [members for tag, members in Html(text).tags if tag == "progress"]
    assert (bar["max"], bar["value"]) == ("2", "1")
    assert re.search(r"<noscript><meta http-equiv=\"refresh\"", text)
    assert 'data-live="yes"' in text
    assert "pages.zip" not in text


def test_an_interrupted_job_goes_on_where_it_ended(world: World, app: FastAPI) -> None:
    issue(world, "A-1", "A-2", "A-3")
    world.anchor()
    address = address_of(begin(sign_in(app, CLERK), app))
    folder = world.folder / "prints" / address.rpartition("/")[2]
    lines = (folder / "outcomes.jsonl").read_bytes().splitlines(keepends=True)
    done = json.loads(lines[1])
    (folder / "outcomes.jsonl").write_bytes(b"".join(lines[:2]) + b"\n" + lines[3][:20])
    kept = folder / "pages" / done["certificate"]
    kept.write_bytes(b"was printed before the end of the process")
    app.state.print_shop.close()

    again = make_app(world)
    clerk = sign_in(again, CLERK)
    clerk.get(address)
    again.state.print_shop.wait()
    assert "3 printed" in Html(clerk.get(address).text).text
    with archive_of(clerk.get(f"{address}/pages.zip")) as archive:
        assert len(archive.namelist()) == 3
        assert archive.read(done["name"]).startswith(b"was printed before")
    again.state.print_shop.close()


def test_two_processes_do_not_print_the_same_job(world: World, app: FastAPI) -> None:
    issue(world, "A-1")
    world.anchor()
    address = address_of(begin(sign_in(app, CLERK), app))
    other = make_app(world)
    outcomes = world.folder / "prints" / address.rpartition("/")[2] / "outcomes.jsonl"
    outcomes.unlink()
    shop: PrintShop = app.state.print_shop
    job = shop.jobs_of(Actor(CLERK, key=owner_key(world)))[0]
    with shop._claimed(job) as is_ours:
        assert is_ours
        other.state.print_shop.resume(job)
        other.state.print_shop.wait()
    assert not outcomes.exists()
    other.state.print_shop.close()


def owner_key(world: World) -> str:
    with world.database.read() as session:
        return session.scalars(select(PersonRow.id).where(PersonRow.name == CLERK)).one()


def test_only_bodies_that_one_delivers_for_are_printed(world: World, app: FastAPI) -> None:
    issue(world, "A-1")
    world.anchor()
    stranger = sign_in(app, STRANGER)
    assert "No certificate was chosen" in begin(stranger, app).text
    assert begin(stranger, app, body="demo-km").status_code == 400


def test_a_job_is_nobody_elses(world: World, app: FastAPI) -> None:
    issue(world, "A-1")
    world.anchor()
    address = address_of(begin(sign_in(app, CLERK), app))
    for name in (COLLEAGUE, STRANGER):
        other = sign_in(app, name)
        for path in (address, f"{address}/pages.zip", f"{address}/pages.pdf"):
            assert other.get(path).status_code == 404
        assert address not in Html(other.get("/desk/print").text).links


def test_a_withdrawn_role_takes_the_pages_away(world: World, app: FastAPI) -> None:
    issue(world, "A-1")
    world.anchor()
    clerk = sign_in(app, CLERK)
    address = address_of(begin(clerk, app))
    with world.database.begin() as session:
        session.connection().exec_driver_sql("UPDATE role_grants SET valid_until = valid_from")
    assert clerk.get(f"{address}/pages.zip").status_code == 404


def test_what_is_not_anchored_is_left_out_by_number(world: World, app: FastAPI) -> None:
    issue(world, "A-1")
    page = Html(begin(sign_in(app, CLERK), app).text)
    shown = Html(
        sign_in(app, CLERK).get(page.form("/discard").action.removesuffix("/discard")).text
    )
    assert "1 are not anchored yet" in shown.text
    assert "A-1" in shown.text
    assert not [link for link in shown.links if link.endswith("pages.zip")]


def test_erased_content_is_not_given_away(world: World, app: FastAPI) -> None:
    issue(world, "A-1", "A-2")
    world.anchor()
    clerk = sign_in(app, CLERK)
    address = address_of(begin(clerk, app))
    erase(world, "A-1")
    with archive_of(clerk.get(f"{address}/pages.zip")) as archive:
        assert archive.namelist() == ["demo-km/A-2.pdf"]
    erase(world, "A-2")
    assert clerk.get(f"{address}/pages.pdf").status_code == 409
    assert not any((world.folder / "prints").glob("*/pages/*"))


def test_erased_content_is_said_in_words_at_the_desk(world: World, app: FastAPI) -> None:
    issue(world, "A-1")
    world.anchor()
    erase(world, "A-1")
    clerk = sign_in(app, CLERK)
    with world.database.read() as session:
        found = session.scalars(select(CertificateRow.id)).one()
    page = Html(clerk.get(f"/desk/certificates/{found}").text)
    assert "content was erased" in page.text
    assert not [link for link in page.links if "/files/" in link]
    assert (
        "content of this certificate was erased"
        in clerk.get(f"/desk/certificates/{found}/files/pdf").text
    )


def erase(world: World, number: str) -> None:
    with world.database.begin() as session:
        found = session.scalars(select(CertificateRow).where(CertificateRow.number == number))
        erase_content(
            session,
            [row.id for row in found],
            issued_before=world.clock() + timedelta(seconds=1),
            ground="the end of its period",
            actor=WANG,
            at=world.clock(),
        )


def test_jobs_are_cleared_away(world: World, app: FastAPI) -> None:
    issue(world, "A-1")
    world.anchor()
    clerk = sign_in(app, CLERK)
    address = address_of(begin(clerk, app))
    clerk.send(Html(clerk.get(address).text).form("/discard"))
    assert clerk.get(address).status_code == 404
    assert not list((world.folder / "prints").iterdir())

    shop: PrintShop = app.state.print_shop
    owner = Actor("li", key="somebody")
    job = shop.open_job(Selection(), owner)
    shop.wait()
    world.clock.now += KEPT_FOR
    assert shop.jobs_of(owner) == []
    shop.open_job(Selection(), owner)
    shop.wait()
    assert not (world.folder / "prints" / job.id).exists()


@pytest.mark.parametrize("values", [{"since": "yesterday"}, {"standing": "x"}, {"last": "9"}])
def test_wrong_choices_are_refused(app: FastAPI, values: dict[str, str]) -> None:
    assert begin(sign_in(app, CLERK), app, **values).status_code == 400
