"""The public page on which anybody checks a document."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from registry.certificates.issuing import Issued
from registry.certificates.rendering.codes import code_png
from registry.verifications.schemas import VerificationRequest
from tests.support.registry_world import World, samples
from tests.support.web import Browser, Html, make_app
from verifier.report import Report

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 191 }}",
    "javascript:alert(1)",
)


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(make_app(world))


@pytest.fixture
def issued(world: World) -> Issued:
    [issued] = world.issue(samples()["documents"][0])
    world.anchor()
    return issued


def check(browser: Browser, name: str, content: bytes, **values: str) -> tuple[int, Html]:
    form = Html(browser.get("/verify").text).form("/verify")
    response = browser.send(form, values, {"file": (name, content)})
    return response.status_code, Html(response.text)


def test_the_start_leads_to_the_page(browser: Browser) -> None:
    response = browser.get("/")
    assert response.url.path == "/verify"
    assert response.status_code == 200


def test_every_input_gives_the_same_verdict(world: World, browser: Browser, issued: Issued) -> None:
    delivery = world.deliver(issued.certificate_id)
    for name, content in (
        ("a.sdjwt", delivery.compact.encode()),
        ("a.receipt.json", delivery.receipt),
        ("a.png", code_png(delivery.link_code)),
    ):
        status, page = check(browser, name, content)
        assert status == 200
        assert "VALID, WITH NOTES" in page.text
        assert delivery.number in page.text
    form = Html(browser.get("/verify").text).form("/verify")
    pasted = Html(browser.send(form, {"code": delivery.offline_code}, {}).text)
    assert "VALID, WITH NOTES" in pasted.text


def test_the_report_shows_lines_results_and_what_it_rests_on(
    world: World, browser: Browser, issued: Issued
) -> None:
    _, page = check(browser, "a.sdjwt", world.deliver(issued.certificate_id).compact.encode())
    shapes = [members["class"] for tag, members in page.tags if tag == "li" and "id" in members]
    assert len(shapes) == 10
    for words in ("What should I do?", "Trust profile", "Checked at", "Results", "Check another"):
        assert words in page.text
    assert ("div", {"role": "status", "aria-live": "assertive"}) in page.tags


def test_goods_that_do_not_match_come_first(world: World, browser: Browser, issued: Issued) -> None:
    content = world.deliver(issued.certificate_id).compact.encode()
    _, page = check(browser, "a.sdjwt", content, goods_match="false")
    assert page.text.index("do NOT match") < page.text.index("VALID, WITH NOTES")


def test_withheld_fields_are_named_with_their_grounds(
    world: World, browser: Browser, issued: Issued
) -> None:
    leaf = world.release(issued.certificate_id, "customer", "results.1")
    world.anchor()
    view = world.deliver(issued.certificate_id, leaf)
    _, page = check(browser, "a.receipt.json", view.receipt)
    assert "made this view for LA" in page.text
    assert "customer.name" in page.text
    assert "PD1" in page.text
    assert "not shown" in page.text


def test_a_changed_document_is_not_shown(world: World, browser: Browser, issued: Issued) -> None:
    jwt, *rest = world.deliver(issued.certificate_id).compact.split("~")
    flipped = jwt[:-2] + ("AA" if jwt[-2:] != "AA" else "QA")
    status, page = check(browser, "a.sdjwt", "~".join([flipped, *rest]).encode())
    assert status == 200
    assert "NOT VALID" in page.text
    assert issued.number not in page.text


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", ["/verify", "/c", "/o"])
def test_pages_hold_nothing_inline_and_fetch_nothing_from_elsewhere(
    browser: Browser, path: str, language: str
) -> None:
    response = browser.get(path, params={"lang": language})
    page = Html(response.text)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert all(source.startswith("/static/") for source in page.sources)
    for tag, members in page.tags:
        assert not [name for name in members if name.startswith("on") or name == "style"], tag
        assert tag != "style"
        assert tag != "script" or members.get("src")
    named = {members["for"] for tag, members in page.tags if tag == "label"}
    fields = {
        members.get("id") for tag, members in page.tags if tag in {"input", "select", "textarea"}
    }
    assert fields <= named


def test_all_of_a_page_is_small(browser: Browser, world: World, issued: Issued) -> None:
    form = Html(browser.get("/verify").text).form("/verify")
    content = world.deliver(issued.certificate_id).compact.encode()
    response = browser.send(form, {}, {"file": ("a", content)})
    size = len(response.content)
    size += sum(len(browser.get(source).content) for source in Html(response.text).sources)
    assert size < 150_000


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_of_issuers_is_text(
    world: World, browser: Browser, issued: Issued, payload: str
) -> None:
    """Our importers refuse markup; those of another issuer may not."""
    verifications = browser.app.state.verifications

    @dataclass(frozen=True)
    class Poisoning:
        def answer(self, request: VerificationRequest) -> Report:
            report = verifications.answer(request)
            return replace(report, document=poisoned(report.document, payload))

    browser.app.state.verifications = Poisoning()
    status, page = check(
        browser, f"{payload}.sdjwt", world.deliver(issued.certificate_id).compact.encode()
    )
    assert status == 200
    assert page.text.count(" ".join(payload.split())) > 20
    assert "1337" not in page.text
    scripts = [members for tag, members in page.tags if tag == "script"]
    assert all(members["src"].startswith("/static/") for members in scripts)
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert not [link for link in page.links if link.startswith("javascript:")]


_KEPT = {"kind", "conclusion"}  # closed sets, which the format checks


def poisoned(value: Any, payload: str) -> Any:
    """Put a payload into every text of a document."""
    match value:
        case dict():
            return {
                name: each if name in _KEPT else poisoned(each, payload)
                for name, each in value.items()
            }
        case list():
            return [poisoned(each, payload) for each in value]
        case str():
            return payload
        case _:
            return value


class TestBadInput:
    def test_nothing_handed_over(self, browser: Browser) -> None:
        form = Html(browser.get("/verify").text).form("/verify")
        response = browser.send(form, {"country": "LA"}, {})
        assert response.status_code == 400
        assert "Choose a file or paste" in Html(response.text).text

    def test_a_broken_pdf(self, browser: Browser) -> None:
        status, page = check(browser, "a.pdf", b"%PDF-1.7 broken")
        assert status == 400
        assert "cannot be read" in page.text

    def test_a_picture_of_something_else(self, browser: Browser) -> None:
        status, page = check(browser, "a.png", code_png("https://example.org/pay-here"))
        assert status == 200
        assert "NOT ONE OF OURS" in page.text.upper() or "NOT OURS" in page.text.upper()

    def test_too_large(self, browser: Browser) -> None:
        status, _ = check(browser, "a.pdf", bytes(21 * 1024 * 1024))
        assert status == 413

    def test_what_was_typed_stays_and_is_text(self, browser: Browser) -> None:
        form = Html(browser.get("/verify").text).form("/verify")
        values = {"code": "</textarea><script>x</script>", "country": "laos"}
        response = browser.send(form, values, {})
        assert response.status_code == 400
        assert "</textarea><script>x" not in response.text


def test_the_script_sends_nothing_by_itself() -> None:
    script = Path("registry/web/static/page.js").read_text("utf-8")
    assert not re.search(r"fetch|XMLHttpRequest|sendBeacon|submit\(|WebSocket|innerHTML", script)
