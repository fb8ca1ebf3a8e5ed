"""The desk: who may see and do what, from import to delivery, and what a form must prove."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from registry.access.domain import GRANTED_IN, INSTALLATION, Role, Tenant
from registry.certificates.domain import StatusAct
from registry.safeguards.orders import order_few
from tests.support.desk import PASSWORD, add_person, sign_in, tenant
from tests.support.registry_world import LI, World, samples
from tests.support.web import HOST, Browser, Html, make_app
from verifier.checks.facts import RevocationReason

CLERK, APPROVER, OFFICER, STRANGER = "li", "wang", "zhang", "somsak"


@pytest.fixture
def app(world: World) -> FastAPI:
    home = tenant(world, "demo-km")
    other = tenant(world, "demo-bm")
    add_person(world, CLERK, [(Role.CLERK, home)])
    add_person(world, APPROVER, [(Role.APPROVER, home)])
    add_person(
        world,
        OFFICER,
        [(Role.OFFICER, Tenant.of_party("CN")), (Role.ACCREDITOR, Tenant.of_party("CN"))],
    )
    add_person(world, STRANGER, [(Role.APPROVER, other)])
    return make_app(world, signer=world.signer)


def document(**changes: Any) -> dict[str, Any]:
    return samples()["documents"][0] | changes


def take_in(browser: Browser, *documents: dict[str, Any]) -> Html:
    form = Html(browser.get("/desk/import").text).form("/desk/import")
    content = json.dumps({"import": 1, "documents": list(documents)}).encode()
    return Html(browser.send(form, {}, {"files": ("a.json", content)}).text)


def links(page: Html) -> list[str]:
    found = [link.split("?")[0] for link in page.links]
    return [link for link in found if link.startswith("/desk/certificates/")]


def press(browser: Browser, address: str, act: str, **values: str) -> Any:
    form = Html(browser.get(address).text).form(f"/{act}")
    return browser.send(form, values)


def test_from_import_to_delivery(world: World, app: FastAPI) -> None:
    clerk, approver = sign_in(app, CLERK), sign_in(app, APPROVER)
    [address] = links(take_in(clerk, document()))
    own = Html(clerk.get(address).text)
    assert not [form for form in own.forms if form.action.endswith("/approve")]

    returned = press(approver, address, "return", remarks="Cadmium looks wrong <b>here</b>")
    assert "returned" in Html(returned.text).text
    seen = Html(clerk.get(address).text)
    assert "Cadmium looks wrong <b>here</b>" in seen.text
    assert address in links(Html(clerk.get("/desk").text))
    press(clerk, address, "submit", remarks="checked again")

    issued = Html(press(approver, address, "approve").text)
    assert "issued" in issued.text
    world.anchor()
    file = approver.get(f"{address}/files/sdjwt")
    assert file.headers["content-disposition"].startswith("attachment")
    form = Html(Browser(app).get("/verify").text).form("/verify")
    report = Browser(app).send(form, {}, {"file": ("a.sdjwt", file.content)})
    assert "VALID, WITH NOTES" in Html(report.text).text

    history = Html(approver.get(address).text).text
    for word in ("imported", "returned", "handed in again", "approved", "signed", "anchored"):
        assert word in history


def test_a_refused_import_lists_every_problem_and_stores_nothing(
    world: World, app: FastAPI
) -> None:
    clerk = sign_in(app, CLERK)
    page = take_in(clerk, document(title={"en": "<b>x</b>"}), document(number=7))
    assert "markup" in page.text
    assert "/documents/1/number" in page.text
    assert "There are none" in Html(clerk.get("/desk/certificates").text).text


def test_a_refused_import_is_told_in_the_language_of_the_page(app: FastAPI) -> None:
    clerk = sign_in(app, CLERK)
    form = Html(clerk.get("/desk/import?lang=zh").text).form("/desk/import")
    table = b"number,consignment.hs_code\nA-1,=1+1\n"
    page = Html(clerk.send(form, {}, {"files": ("a.csv", table)}).text)
    assert "第 2 行，B (consignment.hs_code) 列" in page.text
    assert "以公式符号开头；请直接输入数值" in page.text


def test_an_approval_is_withdrawn_on_the_page(world: World, app: FastAPI) -> None:
    [identifier] = world.draft(document())
    world.approve([identifier])
    address = f"/desk/certificates/{identifier}"
    page = Html(press(sign_in(app, APPROVER), address, "withdraw", remarks="wrong lot").text)
    assert "returned" in page.text
    assert "approval withdrawn , wang: wrong lot" in page.text
    officer = Html(sign_in(app, OFFICER).get(address).text)
    assert not [form for form in officer.forms if form.action.endswith("/withdraw")]


class TestManyAtOnce:
    def ask(self, world: World, app: FastAPI) -> Browser:
        world.issue(*(document(number=f"M-{at}") for at in range(11)))
        approver = sign_in(app, APPROVER)
        page = Html(approver.get("/desk/certificates?show=signed").text)
        ticks = [each["value"] for tag, each in page.tags if each.get("name") == "certificate"]
        assert len(ticks) == 11
        form = page.form("/desk/requests")
        values = {
            "csrf": form.values["csrf"], "certificate": ticks, "act": "revoke",
            "reason": "fraud", "remark": "<b>oven</b> 3",
        }  # fmt: skip
        asked = approver.request("POST", form.action, data=values)
        assert "it waits for another person" in Html(asked.text).text
        assert "<b>oven</b> 3" in Html(asked.text).text
        return approver

    def test_another_person_approves(self, world: World, app: FastAPI) -> None:
        approver = self.ask(world, app)
        own = Html(approver.get("/desk/requests").text)
        assert not [form for form in own.forms if form.action.endswith("/approve")]
        officer = sign_in(app, OFFICER)
        assert "For a second person 1" in Html(officer.get("/desk").text).text
        form = Html(officer.get("/desk/requests").text).form("/approve")
        done = Html(officer.send(form).text)
        assert "Nothing waits for a decision" in done.text
        revoked = Html(officer.get("/desk/certificates?show=revoked").text)
        assert len(links(revoked)) == 11
        again = officer.send(form)
        assert again.status_code == 409
        assert "decided already" in Html(again.text).text

    def test_who_asked_takes_it_back_and_strangers_see_nothing(
        self, world: World, app: FastAPI
    ) -> None:
        approver = self.ask(world, app)
        form = Html(approver.get("/desk/requests").text).form("/refuse")
        stranger = sign_in(app, STRANGER)
        seen = stranger.get("/desk/requests")
        assert "oven" not in seen.text
        forged = {"csrf": Html(seen.text).forms[0].values["csrf"]}
        assert stranger.request("POST", form.action, data=forged).status_code == 404
        assert "refused or taken back" in Html(approver.send(form).text).text


def test_certificates_about_to_end_are_named_on_the_desk(world: World, app: FastAPI) -> None:
    def ending(number: str, day: str) -> dict[str, Any]:
        return document(number=number, dates={**document()["dates"], "valid_until": day})

    soon, later = world.clock() + timedelta(days=20), world.clock() + timedelta(days=40)
    numbers = {"SOON": soon, "GONE": soon, "LATER": later}
    made = world.issue(*(ending(name, at.date().isoformat()) for name, at in numbers.items()))
    world.draft(ending("DRAFT", soon.date().isoformat()), document(number="ENDLESS"))
    with world.database.begin() as session:
        reason = RevocationReason.ERROR
        order_few(
            session, [made[1].certificate_id], StatusAct.REVOKE, reason=reason,
            actor=LI, at=world.clock(),
        )  # fmt: skip
    shown = Html(sign_in(app, OFFICER).get("/desk").text).text
    assert "SOON" in shown
    assert not any(number in shown for number in ("GONE", "LATER", "DRAFT", "ENDLESS"))
    assert "SOON" not in Html(sign_in(app, STRANGER).get("/desk").text).text


class TestWhatIsShown:
    """A page offers to each what his roles allow, and nothing else."""

    TABS = ("/desk/import", "/desk/requests", "/desk/print", "/desk/bodies", "/desk/certificates")

    @pytest.mark.parametrize("role", Role)
    def test_tabs_lead_where_one_may_go(self, world: World, app: FastAPI, role: Role) -> None:
        kind = next(iter(sorted(GRANTED_IN[role])))
        where = {
            "body": tenant(world, "demo-km"),
            "party": Tenant.of_party("CN"),
            "installation": INSTALLATION,
        }[kind]
        add_person(world, f"one {role.value}", [(role, where)])
        browser = sign_in(app, f"one {role.value}")
        page = Html(browser.get("/desk").text)
        offered = {link.split("?")[0] for link in page.links}
        for tab in self.TABS:
            answer = browser.get(tab)
            if tab in offered:
                assert answer.status_code == 200, (role, tab)
            elif tab in {"/desk/import", "/desk/requests"}:
                assert answer.status_code == 403, (role, tab)

    def test_nobody_imports_who_may_not(self, world: World, app: FastAPI) -> None:
        officer = sign_in(app, OFFICER)
        page = Html(officer.get("/desk").text)
        assert "/desk/import" not in page.links
        data = {"csrf": page.forms[0].values["csrf"]}
        files = {"files": ("a.json", b"[]")}
        refused = officer.request("POST", "/desk/import", data=data, files=files)
        assert refused.status_code == 403


def test_several_drafts_are_approved_together(world: World, app: FastAPI) -> None:
    take_in(sign_in(app, CLERK), document(number="A-1"), document(number="A-2"))
    approver = sign_in(app, APPROVER)
    page = Html(approver.get("/desk/certificates?show=drafts").text)
    ticks = [members["value"] for tag, members in page.tags if members.get("type") == "checkbox"]
    assert len(ticks) == 2
    form = page.form("/approve")
    done = approver.request("POST", form.action, data={**form.values, "draft": ticks})
    assert "waits for approval" not in Html(done.text).text
    assert "issued" in Html(done.text).text


def test_what_was_changed_meanwhile_is_not_approved(world: World, app: FastAPI) -> None:
    [address] = links(take_in(sign_in(app, CLERK), document()))
    approver = sign_in(app, APPROVER)
    form = Html(approver.get(address).text).form("/approve")
    answer = approver.send(form, {"version": "draft-000000000000000000000000"})
    assert answer.status_code == 412
    assert "changed since you looked" in Html(answer.text).text


def test_status_orders_need_a_reason_and_a_tick(world: World, app: FastAPI) -> None:
    [issued] = world.issue(document())
    address = f"/desk/certificates/{issued.certificate_id}"
    officer = sign_in(app, OFFICER)
    assert press(officer, address, "revoke", reason="fraud").status_code == 400
    done = press(officer, address, "revoke", reason="fraud", confirm="yes")
    assert "revoked" in Html(done.text).text
    assert "revocation ordered" in Html(done.text).text


def test_bodies_keys_and_scopes(world: World, app: FastAPI) -> None:
    officer = sign_in(app, OFFICER)
    body = world.bodies["demo-km"].id.hex()
    page = Html(officer.get("/desk/bodies").text)
    assert f"/desk/bodies/{body}" in page.links
    shown = Html(officer.get(f"/desk/bodies/{body}").text)
    assert "GB 5009.15-2023" in shown.text
    row = {
        "product": "Durian <i>",
        "hs": "0810.60",
        "parameter": "CD",
        "method": "GB 5009.15-2023",
        "from": "2026-01-01",
        "until": "2026-12-31",
    }
    form = shown.form("/scopes")
    bad = officer.send(form, {}, {"file": ("s.json", json.dumps([row]).encode())})
    assert bad.status_code == 400
    row["product"] = "Durian"
    good = officer.send(form, {}, {"file": ("s.json", json.dumps([row]).encode())})
    assert "accredited test ends in 39 days" in Html(good.text).text
    assert officer.send(shown.form("/keys"), {"purpose": "record", "jwk": "{}"}).status_code == 400


class TestForeignObjects:
    def test_are_not_there(self, world: World, app: FastAPI) -> None:
        [issued] = world.issue(document())
        world.anchor()
        stranger = sign_in(app, STRANGER)
        missing = stranger.get("/desk/certificates/00000000-0000-0000-0000-000000000000")
        for path in (
            f"/desk/certificates/{issued.certificate_id}",
            f"/desk/certificates/{issued.certificate_id}/files/sdjwt",
            f"/desk/bodies/{world.bodies['demo-km'].id.hex()}",
            "/desk/certificates/nonsense",
            "/desk/bodies/zz",
        ):
            answer = stranger.get(path)
            assert answer.status_code == missing.status_code == 404, path
        assert issued.number not in stranger.get("/desk/certificates").text

    def test_cannot_be_imported_for(self, world: World, app: FastAPI) -> None:
        page = take_in(sign_in(app, STRANGER), document())
        assert "There is no such body" in page.text

    def test_a_clerk_does_not_approve(self, world: World, app: FastAPI) -> None:
        [identifier] = world.draft(document())
        clerk = sign_in(app, CLERK)
        csrf = Html(clerk.get("/desk/import").text).form("/sign-out").values["csrf"]
        address = f"/desk/certificates/{identifier}/approve"
        answer = clerk.request("POST", address, data={"csrf": csrf, "version": "x"})
        assert answer.status_code == 403


class TestSessions:
    def test_pages_of_the_desk_lead_to_signing_in_and_back(self, app: FastAPI) -> None:
        visitor = Browser(app)
        page = visitor.get("/desk/certificates?show=drafts")
        assert page.url.path == "/sign-in"
        form = Html(page.text).form("/sign-in")
        after = visitor.send(form, {"name": CLERK, "password": PASSWORD})
        assert (after.url.path, after.url.query) == ("/desk/certificates", b"show=drafts")

    @pytest.mark.parametrize(
        "wanted", ["https://evil.example/", "//evil.example", "/\\evil.example"]
    )
    def test_nobody_is_led_to_another_site(self, app: FastAPI, wanted: str) -> None:
        visitor = Browser(app)
        form = Html(visitor.get("/sign-in", params={"next": wanted}).text).form("/sign-in")
        after = visitor.send(form, {"name": CLERK, "password": PASSWORD})
        assert (after.url.host, after.url.path) == (HOST, "/desk")

    def test_the_cookie_is_for_this_site_and_no_script(self, app: FastAPI) -> None:
        data = {"name": CLERK, "password": PASSWORD}
        answer = Browser(app).request("POST", "/sign-in", data=data)
        cookie = answer.history[0].headers["set-cookie"]
        assert cookie.startswith("__Host-lancang=lcs_")
        for part in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"):
            assert part in cookie

    def test_a_wrong_password(self, app: FastAPI) -> None:
        answer = Browser(app).request("POST", "/sign-in", data={"name": CLERK, "password": "x"})
        assert answer.status_code == 401
        assert "do not fit" in Html(answer.text).text

    def test_signing_out_ends_the_session_for_good(self, app: FastAPI) -> None:
        clerk = sign_in(app, CLERK)
        secret = dict(clerk.cookies)
        clerk.send(Html(clerk.get("/desk").text).form("/sign-out"))
        again = Browser(app)
        for name, value in secret.items():
            again.cookies.set(name, value)
        assert again.get("/desk").url.path == "/sign-in"


class TestForms:
    def test_without_the_token_of_the_session_nothing_happens(
        self, world: World, app: FastAPI
    ) -> None:
        [identifier] = world.draft(document())
        approver = sign_in(app, APPROVER)
        address = f"/desk/certificates/{identifier}/approve"
        other = Html(sign_in(app, OFFICER).get("/desk").text).form("/sign-out").values["csrf"]
        for csrf in ("", "x", other):
            answer = approver.request("POST", address, data={"csrf": csrf})
            assert answer.status_code == 403
            assert "out of date or came from another site" in Html(answer.text).text
        assert "waits for approval" in approver.get(f"/desk/certificates/{identifier}").text

    @pytest.mark.parametrize(
        "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
    )
    def test_forms_of_other_sites_are_refused(self, app: FastAPI, headers: dict[str, str]) -> None:
        clerk = sign_in(app, CLERK)
        form = Html(clerk.get("/desk").text).form("/sign-out")
        answer = clerk.request("POST", form.action, data=form.values, headers=headers)
        assert answer.status_code == 403
        assert clerk.get("/desk").url.path == "/desk"

    def test_every_form_that_changes_something_carries_the_token(
        self, world: World, app: FastAPI
    ) -> None:
        [draft] = world.draft(document(number="D-1"))
        [issued] = world.issue(document(number="D-2"))
        body = world.bodies["demo-km"].id.hex()
        for name in (CLERK, APPROVER, OFFICER):
            browser = sign_in(app, name)
            for path in (
                "/desk",
                "/desk/certificates",
                "/desk/import",
                "/desk/bodies",
                f"/desk/bodies/{body}",
                f"/desk/certificates/{draft}",
                f"/desk/certificates/{issued.certificate_id}",
            ):
                answer = browser.get(path)
                if (name, path) == (OFFICER, "/desk/import"):
                    assert answer.status_code == 403
                    continue
                posting = [form for form in Html(answer.text).forms if form.method == "post"]
                assert posting
                assert all(form.values.get("csrf") for form in posting), path


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_in_every_language_is_small_and_holds_nothing_inline(
    world: World, app: FastAPI, language: str
) -> None:
    [draft] = world.draft(document(number="D-1"))
    [issued] = world.issue(document(number="D-2"))
    china = Tenant.of_party("CN")
    several = [(Role.CLERK, tenant(world, "demo-km")), (Role.OFFICER, china)]
    add_person(world, "several", [*several, (Role.ACCREDITOR, china)])
    officer = sign_in(app, "several")
    body = world.bodies["demo-km"].id.hex()
    for path in (
        "/desk",
        "/desk/certificates",
        "/desk/certificates?show=signed",
        "/desk/import",
        "/desk/requests",
        "/desk/bodies",
        f"/desk/bodies/{body}",
        f"/desk/certificates/{draft}",
        f"/desk/certificates/{issued.certificate_id}",
    ):
        answer = officer.get(f"{path}{'&' if '?' in path else '?'}lang={language}")
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "no-store"
        page = Html(answer.text)
        assert all(source.startswith("/static/") for source in page.sources)
        for tag, members in page.tags:
            assert not [name for name in members if name.startswith("on") or name == "style"]
            assert tag != "script" or members.get("src")
        size = len(answer.content) + sum(len(officer.get(s).content) for s in page.sources)
        assert size < 150_000


@pytest.mark.parametrize(
    "payload", ["<script>x</script>", '"><img src=x onerror=y>', "{{ 7*191 }}"]
)
def test_whatever_people_type_is_text(world: World, app: FastAPI, payload: str) -> None:
    clerk = sign_in(app, CLERK)
    form = Html(clerk.get("/desk/import").text).form("/desk/import")
    content = json.dumps([{"number": payload, payload: payload}]).encode()
    pages = [clerk.send(form, {}, {"files": (f"{payload}.json", content)})]
    pages.append(clerk.get("/desk/certificates", params={"number": payload, "show": payload}))
    pages.append(clerk.get("/sign-in", params={"next": payload}))
    pages.append(Browser(app).request("POST", "/sign-in", data={"name": payload, "password": "x"}))
    for answer in pages:
        page = Html(answer.text)
        assert "1337" not in page.text
        assert not [tag for tag, _ in page.tags if tag == "img"]
        scripts = [members for tag, members in page.tags if tag == "script"]
        assert all(members.get("src", "").startswith("/static/") for members in scripts)
