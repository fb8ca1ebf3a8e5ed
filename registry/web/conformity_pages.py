"""`/conformity`: a results file tried against a standard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from registry.kit.forms import Form, FormDep
from registry.standards.domain import slug_of
from registry.standards.errors import EvaluationRequestError
from registry.standards.evaluating import Evaluations
from registry.standards.results_files import read_results
from registry.standards.router import EvaluationsDep
from registry.web.limit_plot import Row, draw_row
from registry.web.pages import Pages, PagesDep, language_of
from registry.web.standards_pages import limit_words
from standards_catalog.conformity.inputs import ResultKind, TestResult
from standards_catalog.conformity.outcomes import Outcome
from standards_catalog.conformity.statement import CertificateStatement, ParameterStatement
from standards_catalog.errors import CatalogueError, UnknownStandardError
from standards_catalog.requirements import DecisionRule

router: Final = APIRouter(prefix="/conformity", include_in_schema=False)

_FIELDS: Final = (
    "standard", "test_date", "matrix", "grade", "hs", "hs_edition", "decision_rule", "country"
)  # fmt: skip
_LONGEST_FIELD: Final = 160
# The cement example of docs/conformity.md, with one result made to fail and one left open.
_EXAMPLE: Final = {
    "standard": "GB 175-2023",
    "test_date": "2026-07-31",
    "matrix": "cement",
    "grade": "P.O 42.5",
    "hs": "2523.29",
    "hs_edition": "HS 2022",
    "decision_rule": "guard_band_nonbinary",
    "results": (
        "parameter,value,unit,U,k,method\n"
        "F28,48.9,MPa,1.6,2,GB/T 17671-2021\n"
        "F3,17.6,MPa,0.9,2,GB/T 17671-2021\n"
        "CL,0.071,% (m/m),0.004,2,GB/T 176-2017\n"
        "SO3,2.4,% (m/m),0.1,2,GB/T 176-2017\n"
        "MGO,<0.5,% (m/m),,,GB/T 176-2017\n"
        "IST,172,min,10,2,GB/T 1346-2024\n"
    ),
}
_KINDS: Final = {Outcome.PASS: "pass", Outcome.FAIL: "fail", Outcome.INCONCLUSIVE: "note"}
_ORDER: Final = ("fail", "note", "pass", "unknown")  # what needs attention comes first
_TOTALS: Final = {"satisfied": "pass", "not_satisfied": "fail", "not_assessable": "unknown"}


@dataclass(frozen=True, slots=True)
class Line:
    """One parameter as the page shows it."""

    statement: ParameterStatement
    kind: str
    names: Mapping[str, str]
    limit: tuple[str, str]
    sentence: str
    probability: str | None
    plot: Row | None


@router.get("")
def empty_page(request: Request, pages: PagesDep) -> Response:
    """Show the form, filled with what the address names or with an example."""
    members = request.query_params
    given = {name: members.get(name, "")[:_LONGEST_FIELD] for name in _FIELDS}
    values = given | (_EXAMPLE if "example" in members else {"results": ""})
    return _page(request, pages, values)


@router.post("")
async def evaluate_page(
    request: Request, form: FormDep, pages: PagesDep, evaluations: EvaluationsDep
) -> Response:
    """Show the statement for the results that were sent."""
    values = {name: form.text(name)[:_LONGEST_FIELD] for name in _FIELDS}
    data = _results_of(form)
    values["results"] = data.decode("utf-8", "replace")
    return await run_in_threadpool(_answer, request, pages, values, data, evaluations)


def _answer(
    request: Request,
    pages: Pages,
    values: dict[str, str],
    data: bytes,
    evaluations: Evaluations,
) -> Response:
    """Evaluate and render; a question that cannot be put is shown as a problem."""
    near: tuple[str, ...] = ()
    try:
        statement = evaluations.evaluator().assess(make_case(read_results(data), values))
    except (CatalogueError, EvaluationRequestError) as error:
        if isinstance(error, UnknownStandardError):
            near = error.near
        return _page(request, pages, values, problem=error, near=near)
    language = language_of(request)
    if isinstance(statement, ParameterStatement):
        statements: tuple[ParameterStatement, ...] = (statement,)
        total, explanation = statement.outcome.code, statement.explanation()
    else:
        statements, total = statement.parameters, statement.total.value
        explanation = _summary(statement)
    return _page(
        request,
        pages,
        values,
        lines=sorted(
            (_line(each, language) for each in statements), key=lambda line: _ORDER.index(line.kind)
        ),
        total=total,
        total_kind=_TOTALS.get(total, "unknown"),
        explanation=explanation,
    )


def make_case(stated: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return the case for results and the fields of the form; what the form says wins."""
    case = dict(stated)
    case.pop("kind", None)
    product = dict(case.get("product") or {}) if isinstance(case.get("product"), dict) else {}
    goods = case.get("consignment")
    if isinstance(goods, dict) and "hs_code" in goods:
        product.setdefault("hs", goods["hs_code"])
    product |= {
        name: values[name] for name in ("matrix", "grade", "hs", "hs_edition") if values[name]
    }
    case["product"] = product
    for name in ("standard", "test_date", "decision_rule", "country"):
        if values[name]:
            case[name] = values[name]
    if values["standard"]:
        case.pop("requirements", None)
    return case | {"kind": "certificate"}


def _results_of(form: Form) -> bytes:
    """Return the chosen file, or what was typed."""
    for file in form.chosen_files("file"):
        return file.content
    return form.raw("results").encode()


def _summary(statement: CertificateStatement) -> dict[str, object]:
    """Return what is said about the whole, without the parameters."""
    found = statement.explanation()
    return {name: found[name] for name in ("sentence", "problems", "weakest_confidence")}


def _line(statement: ParameterStatement, language: str) -> Line:
    explanation = statement.explanation()
    sentences = explanation["sentence"]
    return Line(
        statement=statement,
        kind=_KINDS.get(statement.outcome, "unknown"),
        names=dict(statement.requirement.names),
        limit=limit_words(statement.requirement),
        sentence=sentences[language] if isinstance(sentences, dict) else "",
        probability=statement.conformance_probability(),
        plot=draw_row(statement),
    )


def result_words(result: TestResult | None) -> str:
    """Return a result as people write it."""
    if result is None:
        return "–"
    if result.kind is ResultKind.QUANTITY:
        return "–" if result.value is None else f"{result.value:f}"
    if result.kind is ResultKind.BELOW_LOQ:
        return f"< {result.loq:f}" if result.loq is not None else "< LOQ"
    if result.kind is ResultKind.NOT_DETECTED:
        return "ND" if result.lod is None else f"ND (LOD {result.lod:f})"
    return result.text or "–"


def _page(
    request: Request,
    pages: Pages,
    values: Mapping[str, str],
    *,
    problem: CatalogueError | EvaluationRequestError | None = None,
    near: tuple[str, ...] = (),
    **answer: Any,  # noqa: ANN401
) -> Response:
    """Render the form with an answer, a problem, or nothing yet."""
    empty = {"lines": None, "total": "", "total_kind": "", "explanation": None}
    return pages.render(
        request,
        "conformity.html",
        status=HTTPStatus.OK if problem is None else HTTPStatus.BAD_REQUEST,
        values=values,
        problem=problem,
        near=near,
        rules=[member.value for member in DecisionRule],
        slug_of=slug_of,
        result_words=result_words,
        **(empty | answer),
    )
