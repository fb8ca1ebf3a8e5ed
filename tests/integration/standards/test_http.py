"""The public API and the pages, in process."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from registry.kit import problems
from registry.kit.database import Database
from registry.standards.router import router
from registry.web import conformity_pages, pages, standards_pages
from tests.support.standards import store_seed

CEMENT = {
    "id": "cement",
    "kind": "certificate",
    "standard": "GB 175-2023",
    "test_date": "2026-07-31",
    "product": {"grade": "P.O 42.5", "hs": "2523.29", "hs_edition": "HS 2022", "matrix": "cement"},
    "context": {"decision_rule": "guard_band_nonbinary"},
    "results": [
        {"parameter": "F28", "type": "quantity", "value": "48.9", "unit": "MPa", "U": "1.6",
         "k": "2", "method": "GB/T 17671-2021"},
    ],
}  # fmt: skip
FORM = {
    "standard": "GB 175-2023", "test_date": "2026-07-31", "grade": "P.O 42.5", "hs": "2523.29",
    "hs_edition": "HS 2022", "matrix": "cement", "decision_rule": "guard_band_nonbinary",
}  # fmt: skip


class Api:
    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)


@pytest.fixture(scope="module")
def api(shared_database: Database) -> Api:
    store_seed(shared_database)
    return Api(make_app(shared_database))


def make_app(database: Database) -> FastAPI:
    app = FastAPI()
    app.state.database = database
    problems.install(app)
    pages.install(app)
    for each in (router, standards_pages.router, conformity_pages.router):
        app.include_router(each)
    return app


class TestApi:
    def test_search_pages_by_cursor(self, api: Api) -> None:
        first = api.get("/v1/standards", params={"q": "水泥", "limit": 2}).json()
        rest = api.get("/v1/standards", params={"q": "水泥", "limit": 2, "cursor": first["next"]})

        assert first["items"][0]["code"] == "GB 175-2023"
        assert first["items"][0]["highlights"] == {"zh": [[5, 7]]}
        assert not {i["code"] for i in first["items"]} & {i["code"] for i in rest.json()["items"]}

    def test_same_answer_is_not_sent_twice(self, api: Api) -> None:
        answer = api.get("/v1/standards/GB_175-2023")
        again = api.get(
            "/v1/standards/GB_175-2023", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert (answer.status_code, again.status_code, again.content) == (200, 304, b"")

    @pytest.mark.parametrize("id", ["GB~T_17671-2021", "gbt17671-2021", "GB%2FT%2017671-2021"])
    def test_standard_by_any_spelling(self, api: Api, id: str) -> None:  # noqa: A002
        assert api.get(f"/v1/standards/{id}").json()["record"]["code"] == "GB/T 17671-2021"

    def test_every_requirement_names_its_source(self, api: Api) -> None:
        items = api.get("/v1/standards/GB_175-2023/requirements").json()["items"]
        assert items
        for item in items:
            assert item["provenance"]["source"]
            assert item["provenance"]["confidence"]

    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("/v1/standards?ics=x", 400, "search_filter_unusable"),
            ("/v1/standards?on=2026-02-30", 400, "search_filter_unusable"),
            ("/v1/standards?cursor=AAAA", 400, "search_cursor_unusable"),
            ("/v1/standards?limit=0", 422, "malformed_request"),
            ("/v1/standards?unknown=1", 422, "malformed_request"),
            ("/v1/standards/GB_1755-2023", 404, "standard_not_found"),
            ("/v1/standards/nonsense/requirements", 404, "standard_not_found"),
        ],
    )
    def test_problems(self, api: Api, path: str, status: int, code: str) -> None:
        answer = api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"

    def test_unknown_standard_names_near_ones(self, api: Api) -> None:
        assert "GB 175-2023" in api.get("/v1/standards/GB_1755-2023").json()["detail"]

    def test_evaluation_of_a_certificate(self, api: Api) -> None:
        answer = api.call("POST", "/v1/conformity/evaluations", json=CEMENT).json()["answers"][0]
        assert answer["outcome"] == "not_assessable"
        assert answer["explanation"]["outcomes"]["F28"] == "pass"

    def test_standard_without_recorded_requirements_is_not_unknown(self, api: Api) -> None:
        case = CEMENT | {"standard": "GB/T 12573-2008"}
        answer = api.call("POST", "/v1/conformity/evaluations", json=case).json()["answers"][0]
        assert answer["outcome"] == "not_assessable"
        assert answer["explanation"]["problems"] == ["no_requirements"]

    def test_unknown_standard_is_an_error_of_its_case_alone(self, api: Api) -> None:
        cases = [CEMENT | {"standard": "GB 1755-2023"}, CEMENT]
        answers = api.call("POST", "/v1/conformity/evaluations", json=cases).json()["answers"]
        assert answers[0]["explanation"]["code"] == "standard_unknown"
        assert "GB 175-2023" in answers[0]["explanation"]["message"]
        assert answers[1]["outcome"] == "not_assessable"

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"7",
            b'{"a":1,"a":2}',
            b'{"value":NaN}',
            b'{"value":1e' + b"9" * 80 + b"}",
            b'{"value":' + b"9" * 80 + b"}",
            b"[" * 100_000,
            b"[" + b"{}," * 200 + b"{}]",
            b'{"results":[' + b"{}," * 2000 + b"{}]}",
            b"\xff",
        ],
    )  # fmt: skip
    def test_evaluation_refuses_what_is_malformed_or_too_much(self, api: Api, body: bytes) -> None:
        answer = api.call("POST", "/v1/conformity/evaluations", content=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "evaluation_malformed")

    def test_described(self, api: Api) -> None:
        paths = api.get("/openapi.json").json()["paths"]
        assert {"/v1/standards", "/v1/conformity/evaluations"} <= set(paths)
        assert not [path for path in paths if not path.startswith("/v1/")]


class TestPages:
    @pytest.mark.parametrize(
        "path", ["/standards?q=水泥", "/standards/GB_175-2023", "/conformity?example=1"]
    )
    @pytest.mark.parametrize(("header", "language"), [("zh-CN,en;q=0.5", "zh"), ("fr,en", "en")])
    def test_page_in_the_language_asked_for(
        self, api: Api, path: str, header: str, language: str
    ) -> None:
        page = api.get(path, headers={"Accept-Language": header})
        assert page.status_code == 200
        assert page.headers["content-language"] == language
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page.text

    @pytest.mark.parametrize("path", ["/standards?q=GB", "/standards/GB_175-2023", "/conformity"])
    def test_nothing_that_the_policy_forbids(self, api: Api, path: str) -> None:
        page = api.get(path)
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page.text)

    def test_what_a_person_typed_is_only_text(self, api: Api) -> None:
        page = api.get("/standards", params={"q": '"><script>alert(1)</script>'})
        assert "<script>alert" not in page.text
        answer = api.call("POST", "/conformity", data=FORM | {"results": "<b>", "standard": "<i>"})
        assert "<b>" not in answer.text
        assert "<i>" not in answer.text

    def test_hits_are_marked(self, api: Api) -> None:
        assert "通用硅酸盐<mark>水泥</mark>" in api.get("/standards?q=水泥&lang=zh").text

    def test_part_is_the_hits_alone(self, api: Api) -> None:
        part = api.get("/standards?q=水泥&part=results").text
        assert "<html" not in part
        assert "GB 175-2023" in part

    def test_page_without_script_works(self, api: Api) -> None:
        page = api.get("/standards?q=ISO&lang=en").text
        following = re.search(r'rel="next" href="([^"]+)"', page)
        assert following
        second = api.get(unescape(following[1]))
        assert second.status_code == 200
        assert 'class="code"' in second.text

    def test_unusable_filter_is_shown_on_the_page(self, api: Api) -> None:
        page = api.get("/standards?ics=abc")
        assert page.status_code == 400
        assert "has not the form of one" in page.text

    def test_unknown_standard_offers_near_ones(self, api: Api) -> None:
        page = api.get("/standards/GB_1755-2023?lang=zh")
        assert page.status_code == 404
        assert "/standards/GB_175-2023?lang=zh" in page.text

    def test_sources_are_shown_with_their_confidence(self, api: Api) -> None:
        page = api.get("/standards/GB_175-2023?lang=en").text
        assert "preface of GB 175-2023" in page
        assert "low to medium" in page

    @pytest.mark.parametrize(
        ("value", "words"),
        [("48.9", "pass"), ("40.0", "fail"), ("43.0", "inconclusive"), ("", "no result")],
    )
    def test_statement_in_words_and_shapes(self, api: Api, value: str, words: str) -> None:
        table = f"parameter,value,unit,U,method\nF28,{value},MPa,1.6,GB/T 17671-2021\n"
        page = api.call("POST", "/conformity?lang=en", data=FORM | {"results": table}).text
        row = next(r for r in page.split("<tr") if 'class="quiet">F28<' in r)
        assert f"<span>{words}</span>" in row
        assert ('<svg class="plot"' in row) == (value != "")

    def test_file_is_read_like_typed_results(self, api: Api) -> None:
        table = b"parameter,value,unit,U,method\nF28,48.9,MPa,1.6,GB/T 17671-2021\n"
        page = api.call(
            "POST", "/conformity?lang=zh", data=FORM, files={"file": ("r.csv", table, "text/csv")}
        )
        assert "<span>合格</span>" in page.text

    @pytest.mark.parametrize("results", ["", "x,y\n1,2", "[1", "parameter,value\nF28,1,2"])
    def test_unreadable_results_are_a_problem(self, api: Api, results: str) -> None:
        page = api.call("POST", "/conformity", data=FORM | {"results": results})
        assert page.status_code == 400
        assert "evaluation_malformed" in page.text

    def test_static_files_are_kept_under_their_version(self, api: Api) -> None:
        found = re.search(r'href="(/static/style\.css\?v=\w+)"', api.get("/standards").text)
        assert found
        assert "immutable" in api.get(found[1]).headers["cache-control"]
        assert api.get("/static/style.css?v=old").headers["cache-control"] == "no-cache"
        assert api.get("/static/../pages.py").status_code == 404
        assert api.get("/static/%2e%2e/pages.py").status_code == 404
