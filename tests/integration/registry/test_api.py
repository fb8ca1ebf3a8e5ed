"""`/v1/certificates`, `/v1/bodies`, `/v1/parties`: acts, versions, repeated requests, limits."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from registry.access.domain import INSTALLATION, Role, Tenant
from tests.support.desk import PASSWORD, add_person, bearer, call, tenant
from tests.support.registry_world import World, samples
from tests.support.web import make_app
from verifier.core.encoding import b64u

CLERK, APPROVER, OFFICER, STRANGER = "li", "wang", "zhang", "somsak"


@pytest.fixture
def app(world: World) -> FastAPI:
    home = tenant(world, "demo-km")
    china = Tenant.of_party("CN")
    add_person(world, CLERK, [(Role.CLERK, home)])
    add_person(world, APPROVER, [(Role.APPROVER, home)])
    add_person(world, OFFICER, [(Role.OFFICER, china), (Role.ACCREDITOR, china)])
    add_person(world, STRANGER, [(Role.APPROVER, tenant(world, "demo-bm"))])
    add_person(world, "op", [(Role.OPERATOR, INSTALLATION)])
    return make_app(world, signer=world.signer)


def document(**changes: Any) -> dict[str, Any]:
    return samples()["documents"][0] | changes


def ask(
    app: FastAPI, who: str, method: str, path: str, *, headers: dict[str, str] | None = None,
    **options: Any,
) -> httpx.Response:  # fmt: skip
    answer: httpx.Response = call(
        app, method, f"/v1{path}", headers={**bearer(app, who), **(headers or {})}, **options
    )
    return answer


def take_in(app: FastAPI, *documents: dict[str, Any], key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    content = json.dumps({"import": 1, "documents": documents})
    headers["Content-Type"] = "application/json"
    return ask(app, CLERK, "POST", "/certificates/imports", headers=headers, content=content)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_the_life_of_a_certificate(world: World, app: FastAPI) -> None:
    created = take_in(app, document())
    assert created.status_code == 201
    [identifier] = created.json()["ids"]
    path = f"/certificates/{identifier}"
    shown = ask(app, APPROVER, "GET", path)
    assert shown.json()["document"]["number"] == document()["number"]
    tag = {"If-Match": shown.headers["etag"]}

    assert code_of(ask(app, APPROVER, "POST", f"{path}/approval")) == (428, "precondition_required")
    wrong = ask(app, APPROVER, "POST", f"{path}/approval", headers={"If-Match": '"x"'})
    assert code_of(wrong) == (412, "precondition_failed")
    clerk = ask(app, CLERK, "POST", f"{path}/approval", headers=tag)
    assert code_of(clerk) == (403, "not_permitted")

    remarks = {"remarks": "see result 1"}
    assert ask(app, APPROVER, "POST", f"{path}/return", headers=tag, json=remarks).is_success
    returned = ask(app, APPROVER, "POST", f"{path}/approval", headers=tag)
    assert code_of(returned) == (409, "draft_returned")
    assert ask(app, CLERK, "GET", path).json()["returned"] is True
    assert ask(app, CLERK, "POST", f"{path}/submission", headers=tag, json={}).is_success

    assert ask(app, APPROVER, "POST", f"{path}/approval", headers=tag).status_code == 204
    again = ask(app, APPROVER, "POST", f"{path}/approval", headers=tag)
    assert code_of(again) == (412, "precondition_failed")
    assert ask(app, APPROVER, "POST", f"{path}/signature").status_code == 204

    asked = {"destination": "LA", "withhold": ["customer"], "grounds": ["PD1"]}
    view = ask(app, OFFICER, "POST", f"{path}/views", json=asked)
    assert view.status_code == 201
    same = ask(app, OFFICER, "POST", f"{path}/views", json=asked)
    assert same.json()["leaf"] == view.json()["leaf"]
    world.anchor()
    delivered = ask(app, APPROVER, "GET", f"{path}/views/{view.json()['leaf']}/delivery").json()
    assert delivered["destination"] == "LA"
    body = {"receipts": [delivered["receipt"]], "token": None}
    report = call(app, "POST", "/v1/verifications", json=body).json()
    assert report["overall"] == "valid_with_notes"
    assert "customer.name" in report["document"]["withheld"]

    order = {"act": "revoke", "reason": "error"}
    assert ask(app, OFFICER, "POST", f"{path}/status-orders", json=order).status_code == 202
    twice = ask(app, OFFICER, "POST", f"{path}/status-orders", json=order)
    assert code_of(twice) == (409, "already_revoked")
    listed = ask(app, OFFICER, "GET", "/certificates?revoked=true").json()["items"]
    assert [each["id"] for each in listed] == [identifier]


def test_pages_of_a_list_hold_everything_once(world: World, app: FastAPI) -> None:
    take_in(app, *(document(number=f"N-{at}") for at in range(7)))
    seen: list[str] = []
    after: str | None = None
    while True:
        query = {"limit": "3", **({"after": after} if after else {})}
        page = ask(app, CLERK, "GET", "/certificates", params=query).json()
        seen += [item["number"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(seen) == [f"N-{at}" for at in range(7)]
    for beginning in ("N-3", "n-3"):
        query = f"/certificates?number={beginning}&state=draft"
        found = ask(app, CLERK, "GET", query).json()["items"]
        assert [item["number"] for item in found] == ["N-3"]
    for wild in ("%25", "N_3"):
        assert ask(app, CLERK, "GET", f"/certificates?number={wild}").json()["items"] == []
    for query in ("after=x", "after=2026-01-01~x"):
        assert code_of(ask(app, CLERK, "GET", f"/certificates?{query}"))[0] == 400
    assert ask(app, CLERK, "GET", "/certificates?unknown=1").status_code == 422


def test_an_unchanged_certificate_is_not_sent_again(world: World, app: FastAPI) -> None:
    [identifier] = world.draft(document())
    tag = ask(app, CLERK, "GET", f"/certificates/{identifier}").headers["etag"]
    again = ask(app, CLERK, "GET", f"/certificates/{identifier}", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_refused_import_names_every_problem(app: FastAPI) -> None:
    answer = take_in(app, document(number=7), document(title={"en": "<i>"}))
    assert code_of(answer) == (400, "import_refused")
    pointers = {problem["pointer"] for problem in answer.json()["problems"]}
    assert {"/documents/0/number", "/documents/1/title/en"} <= pointers


def test_a_refused_import_is_told_in_the_language_of_the_client(app: FastAPI) -> None:
    table = b"number,consignment.hs_code\nA-1,81\nA-1,=1+1\n"
    for wanted, said in (("zh-CN, en;q=0.5", "以公式符号开头；请直接输入数值"), ("fr", "formula")):
        answer = ask(
            app, CLERK, "POST", "/certificates/imports", content=table,
            headers={"Content-Type": "text/csv", "Accept-Language": wanted},
        )  # fmt: skip
        assert answer.headers["content-language"] == ("zh" if "zh" in wanted else "en")
        [problem] = [each for each in answer.json()["problems"] if each["code"] == "formula"]
        assert (problem["row"], problem["column"]) == (3, "B (consignment.hs_code)")
        assert said in problem["message"]


class TestManyAtOnce:
    def wanted(self, world: World, number: int = 12) -> dict[str, Any]:
        issued = world.issue(*(document(number=f"M-{at}") for at in range(number)))
        return {
            "act": "revoke",
            "reason": "fraud",
            "remark": "oven 3",
            "certificates": [each.certificate_id for each in issued],
        }

    def test_one_person_asks_and_another_approves(self, world: World, app: FastAPI) -> None:
        body = self.wanted(world)
        for identifier in body["certificates"][:10]:
            order = {"act": "suspend", "reason": "error"}
            path = f"/certificates/{identifier}/status-orders"
            assert ask(app, APPROVER, "POST", path, json=order).status_code == 202
        path = f"/certificates/{body['certificates'][10]}/status-orders"
        more = ask(app, OFFICER, "POST", path, json={"act": "suspend", "reason": "error"})
        assert code_of(more) == (403, "second_approver_needed")

        key = {"Idempotency-Key": "request-0001"}
        made = ask(app, APPROVER, "POST", "/status-requests", json=body, headers=key)
        assert made.status_code == 201, made.text
        again = ask(app, APPROVER, "POST", "/status-requests", json=body, headers=key)
        assert again.content == made.content
        path = made.headers["location"].removeprefix("/v1")
        waiting = ask(app, OFFICER, "GET", "/status-requests").json()
        assert [each["id"] for each in waiting] == [made.json()["id"]]
        own = ask(app, APPROVER, "POST", f"{path}/approval")
        assert code_of(own) == (403, "maker_is_approver")
        assert code_of(ask(app, CLERK, "POST", f"{path}/approval")) == (403, "not_permitted")
        done = ask(app, OFFICER, "POST", f"{path}/approval")
        assert (done.status_code, done.json()["decision"]) == (202, "approved")
        assert code_of(ask(app, OFFICER, "POST", f"{path}/refusal", json={})) == (
            409,
            "status_request_decided",
        )
        assert ask(app, OFFICER, "GET", "/status-requests").json() == []
        query = "/certificates?revoked=true&limit=100"
        assert len(ask(app, OFFICER, "GET", query).json()["items"]) == 12

    def test_a_request_is_taken_back(self, world: World, app: FastAPI) -> None:
        made = ask(app, APPROVER, "POST", "/status-requests", json=self.wanted(world, 2))
        path = made.headers["location"].removeprefix("/v1")
        assert ask(app, APPROVER, "POST", f"{path}/refusal", json={"remark": "no"}).is_success
        shown = ask(app, OFFICER, "GET", path).json()
        assert (shown["decision"], shown["answer"]) == ("refused", "no")
        assert ask(app, OFFICER, "GET", "/status-requests?waiting=false").json() == [shown]

    def test_foreign_and_missing_ones_answer_alike(self, world: World, app: FastAPI) -> None:
        body = self.wanted(world, 2)
        made = ask(app, APPROVER, "POST", "/status-requests", json=body)
        missing = "00000000-0000-0000-0000-000000000000"
        for ending, method in (("", "GET"), ("/approval", "POST"), ("/refusal", "POST")):
            answers = [
                ask(
                    app, STRANGER, method, f"/status-requests/{each}{ending}",
                    json={} if ending == "/refusal" else None,
                )
                for each in (made.json()["id"], missing)
            ]  # fmt: skip
            assert {code_of(each) for each in answers} == {(404, "status_request_not_found")}
        foreign = ask(app, STRANGER, "POST", "/status-requests", json=body)
        absent = {**body, "certificates": [missing]}
        assert (
            foreign.content == ask(app, STRANGER, "POST", "/status-requests", json=absent).content
        )
        # One foreign certificate among one's own is as if it did not exist.
        [other] = world.issue(samples()["documents"][1])
        mixed = {**body, "certificates": [*body["certificates"], other.certificate_id]}
        answer = ask(app, APPROVER, "POST", "/status-requests", json=mixed)
        assert code_of(answer) == (404, "certificate_not_found")
        assert ask(app, STRANGER, "GET", "/status-requests?waiting=false").json() == []


def test_an_approval_is_withdrawn_before_anything_is_signed(world: World, app: FastAPI) -> None:
    [identifier] = world.draft(document())
    world.approve([identifier])
    path = f"/certificates/{identifier}"
    tag = {"If-Match": ask(app, CLERK, "GET", path).headers["etag"]}
    wrong = {"remarks": "wrong consignee"}
    gone = ask(app, APPROVER, "POST", f"{path}/withdrawal", json=wrong, headers=tag)
    assert gone.status_code == 204, gone.text
    shown = ask(app, CLERK, "GET", path)
    assert (shown.json()["state"], shown.json()["returned"]) == ("draft", True)
    told = [(each["code"], each["detail"]) for each in shown.json()["history"]]
    assert told == [
        ("imported", None), ("approved", None), ("approval_withdrawn", "wrong consignee"),
    ]  # fmt: skip
    tag = {"If-Match": shown.headers["etag"]}
    again = ask(app, APPROVER, "POST", f"{path}/withdrawal", json=wrong, headers=tag)
    assert code_of(again) == (409, "wrong_state")


class TestRepeatedRequests:
    def test_the_same_request_is_done_once(self, world: World, app: FastAPI) -> None:
        first = take_in(app, document(), key="import-0001")
        [identifier] = first.json()["ids"]
        tag = ask(app, CLERK, "GET", f"/certificates/{identifier}").headers["etag"]
        assert ask(
            app, CLERK, "DELETE", f"/certificates/{identifier}", headers={"If-Match": tag}
        ).is_success
        again = take_in(app, document(), key="import-0001")
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        assert ask(app, CLERK, "GET", "/certificates").json()["items"] == []

    def test_another_body_under_the_same_key_changes_nothing(self, app: FastAPI) -> None:
        take_in(app, document(), key="import-0001")
        other = take_in(app, document(number="other"), key="import-0001")
        assert code_of(other) == (422, "idempotency_key_reused")
        assert len(ask(app, CLERK, "GET", "/certificates").json()["items"]) == 1

    def test_a_refused_request_is_not_remembered(self, app: FastAPI) -> None:
        assert take_in(app, document(number=7), key="import-0001").status_code == 400
        assert take_in(app, document(), key="import-0001").status_code == 201

    def test_keys_of_others_are_not_seen(self, world: World, app: FastAPI) -> None:
        [issued] = world.issue(document())
        path = f"/certificates/{issued.certificate_id}/status-orders"
        key = {"Idempotency-Key": "order-0001"}
        order = {"act": "suspend", "reason": "error"}
        for who in (OFFICER, APPROVER):
            answer = ask(app, who, "POST", path, json=order, headers=key)
            assert answer.status_code == 202
            assert "idempotency-replayed" not in answer.headers

    def test_keys_are_checked(self, app: FastAPI) -> None:
        for key in ("short", "with space in it", "x" * 129):
            assert take_in(app, document(), key=key).status_code == 422


class TestBodies:
    def test_an_accreditor_registers_body_scope_and_key(self, world: World, app: FastAPI) -> None:
        value = samples()["bodies"][0] | {"id": "new-lab", "did": "did:web:new.example"}
        created = ask(app, OFFICER, "POST", "/bodies", json=value)
        assert created.status_code == 201, created.text
        path = created.headers["location"].removeprefix("/v1")
        world.clock.now += timedelta(minutes=1)
        row = {"product": "Durian", "hs": "0810.60", "parameter": "CD", "method": "X 1-2020"}
        rows = {"rows": [row | {"from": "2026-01-01", "until": "2027-01-01"}]}
        assert ask(app, OFFICER, "POST", f"{path}/scopes", json=rows).status_code == 201
        wrong = ask(app, OFFICER, "POST", f"{path}/scopes", json={"rows": [row]})
        assert code_of(wrong) == (400, "import_refused")
        known = ask(app, OFFICER, "GET", f"/bodies/{world.bodies['demo-km'].id.hex()}").json()
        taken = known["keys"][0]["jwk"]
        used = ask(app, OFFICER, "POST", f"{path}/keys", json={"purpose": "summary", "jwk": taken})
        assert code_of(used) == (409, "key_differs")
        nonsense = {"purpose": "summary", "jwk": {"kty": "EC"}}
        assert code_of(ask(app, OFFICER, "POST", f"{path}/keys", json=nonsense)) == (
            400,
            "malformed_key",
        )
        shown = ask(app, OFFICER, "GET", path).json()
        assert shown["scopes"][0]["document"]["rows"][0]["product"] == "Durian"

    def test_who_registers_what(self, world: World, app: FastAPI) -> None:
        body = samples()["bodies"][0] | {"id": "new-lab", "did": "did:web:new.example"}
        assert code_of(ask(app, CLERK, "POST", "/bodies", json=body))[0] in (403, 404)
        foreign = body | {"party": "LA"}
        assert code_of(ask(app, OFFICER, "POST", "/bodies", json=foreign)) == (
            404,
            "party_not_found",
        )
        party = {"id": "VN", "country": "VN", "name": {"en": "Viet Nam"}}
        assert ask(app, OFFICER, "POST", "/parties", json=party).status_code == 404
        assert ask(app, "op", "POST", "/parties", json=party).status_code == 201
        assert [each["id"] for each in ask(app, OFFICER, "GET", "/parties").json()] == ["CN"]

    def test_malformed_descriptions(self, app: FastAPI) -> None:
        answer = ask(app, OFFICER, "POST", "/bodies", json={"id": "<b>", "party": 7})
        assert code_of(answer) == (400, "import_refused")
        assert len(answer.json()["problems"]) > 2


class TestForeignObjects:
    def test_answer_like_missing_ones(self, world: World, app: FastAPI) -> None:
        [issued] = world.issue(document())
        [draft] = world.draft(document(number="D-1"))
        leaf = b64u(issued.leaf)
        missing = "00000000-0000-0000-0000-000000000000"
        match = {"If-Match": '"x"'}
        order = {"act": "revoke", "reason": "error"}
        view = {"destination": "LA", "withhold": ["customer"], "grounds": ["PD1"]}
        for method, ending, body in (
            ("GET", "", None),
            ("DELETE", "", None),
            ("POST", "/approval", None),
            ("POST", "/return", {"remarks": "x"}),
            ("POST", "/submission", {}),
            ("POST", "/signature", None),
            ("POST", "/status-orders", order),
            ("GET", "/views", None),
            ("POST", "/views", view),
            ("GET", "/delivery", None),
            ("GET", f"/views/{leaf}/delivery", None),
        ):
            answers = [
                ask(
                    app, STRANGER, method, f"/certificates/{each}{ending}", json=body,
                    headers=match,
                )
                for each in (issued.certificate_id, draft, missing)
            ]  # fmt: skip
            assert {code_of(each) for each in answers} == {(404, "certificate_not_found")}, ending
            assert len({each.content for each in answers}) == 1, ending
        body = world.bodies["demo-km"].id.hex()
        for each in (body, "0" * 64):
            assert code_of(ask(app, STRANGER, "GET", f"/bodies/{each}")) == (404, "body_not_found")

    def test_without_a_token_nothing_is_shown(self, app: FastAPI) -> None:
        for path in ("/certificates", "/bodies", "/parties", "/certificates/x/delivery"):
            answer = call(app, "GET", f"/v1{path}")
            assert answer.status_code in (401, 422), path
            assert answer.headers["content-type"] == "application/problem+json"

    def test_a_cookie_opens_no_api(self, app: FastAPI) -> None:
        secret = app.state.gate.sign_in(CLERK, PASSWORD)
        cookies = {"Cookie": f"__Host-lancang={secret}"}
        assert call(app, "GET", "/v1/certificates", headers=cookies).status_code == 401


class TestAroundRequests:
    def test_ids_of_requests(self, app: FastAPI) -> None:
        chosen = call(app, "GET", "/healthz/live", headers={"X-Request-Id": "trace-0001"})
        assert chosen.headers["x-request-id"] == "trace-0001"
        for odd in ("a", "x" * 65, "<script>"):
            given = call(app, "GET", "/healthz/live", headers={"X-Request-Id": odd})
            assert given.headers["x-request-id"] not in ("", odd)

    def test_log_lines_hold_the_route_and_nothing_of_its_values(
        self, app: FastAPI, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO, logger="lancang.access"):
            call(
                app, "GET", f"/v1/receipts/{b64u(bytes(32))}", headers={"X-Request-Id": "id-00001"}
            )
        [record] = caplog.records
        fields = record.__dict__["fields"]
        assert fields.pop("microseconds") >= 0
        assert fields == {
            "request_id": "id-00001",
            "method": "GET",
            "route": "/v1/receipts/{leaf}",
            "status": 404,
        }

    def test_no_log_line_holds_a_body_or_a_secret(
        self, world: World, app: FastAPI, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Whatever any library logs, however much it is asked to."""
        caplog.set_level(logging.DEBUG)
        words = {"customer": "Secret Fruit Import", "remark": "between us", "password": PASSWORD}
        session = call(app, "POST", "/v1/sessions", json={"name": CLERK, "password": PASSWORD})
        secret = session.json()["token"]
        call(app, "POST", "/v1/sessions", json={"name": CLERK, "password": "a wrong secret"})
        call(app, "GET", "/v1/me", headers={"Authorization": "Bearer lct_stolen-from-somebody"})
        taken = take_in(app, document(customer={"name": words["customer"]}), key="key-of-client-1")
        assert taken.status_code == 201, taken.text
        [identifier] = taken.json()["ids"]
        tag = ask(app, APPROVER, "GET", f"/certificates/{identifier}").headers["etag"]
        ask(
            app, APPROVER, "POST", f"/certificates/{identifier}/return",
            json={"remarks": words["remark"]}, headers={"If-Match": tag},
        )  # fmt: skip
        take_in(app, document(customer={"name": words["customer"]}, number=7))
        person = {"name": 7, "sign_in": {"name": "x", "password": "in a malformed body"}}
        ask(app, OFFICER, "POST", "/people", json=person)
        logged = caplog.text + " ".join(str(vars(record)) for record in caplog.records)
        assert "/v1/certificates/imports" in logged
        hidden = (
            *words.values(), secret, "a wrong secret", "stolen-from-somebody",
            "in a malformed body", "key-of-client-1",
        )  # fmt: skip
        assert [word for word in hidden if word in logged] == []

    def test_metrics(self, app: FastAPI) -> None:
        call(app, "GET", "/healthz/live")
        call(app, "GET", "/nowhere/at/all")
        text = call(app, "GET", "/metrics").text
        assert (
            'lancang_http_requests_total{method="GET",route="/healthz/live",status="200"} 1' in text
        )
        assert 'route="none",status="404"' in text
        assert "/nowhere" not in text
        assert "lancang_queue_leaves 0" in text

    def test_who_asks_too_often_waits(self, world: World) -> None:
        app = make_app(world, http={"request_burst": 3, "requests_per_minute": 60})
        answers = [call(app, "GET", "/healthz/live") for _ in range(4)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429]
        assert [each.headers["ratelimit-remaining"] for each in answers[:3]] == ["2", "1", "0"]
        refused = answers[3]
        assert code_of(refused) == (429, "too_many_requests")
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["x-request-id"]

    def test_guessing_passwords_is_limited_apart(self, world: World) -> None:
        app = make_app(world, http={"sign_ins_per_minute": 2})
        body = {"name": "x", "password": "y"}
        codes = [call(app, "POST", "/v1/sessions", json=body).status_code for _ in range(3)]
        assert codes == [401, 401, 429]
        assert call(app, "GET", "/healthz/live").status_code == 200
