"""The public page on which anybody checks a document, and the landing of the printed codes."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Final

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from registry.kit.clock import system_clock
from registry.kit.errors import RegistryError
from registry.kit.forms import Form, FormDep
from registry.kit.problems import status_of
from registry.verifications.errors import MalformedQuestionError
from registry.verifications.router import READERS, VerificationsDep
from registry.verifications.schemas import VerificationRequest, read_request
from registry.verifications.service import Verifications
from registry.web.pages import Pages, PagesDep, language_of
from registry.web.report_view import report_view
from verifier.core.errors import VerifierError
from verifier.report import Report
from verifier.wording import wording

router: Final = APIRouter(include_in_schema=False)

COUNTRIES: Final = ("CN", "KH", "LA", "MM", "RU", "TH", "VN")
_PRIVATE: Final = {"Cache-Control": "no-store"}
_NOTHING: Final = {"code": "", "country": "", "goods_match": ""}


@router.get("/")
def show_start(request: Request) -> Response:
    """Lead visitors to the page that most of them come for."""
    lang = request.query_params.get("lang")
    return RedirectResponse(f"/verify?lang={language_of(request)}" if lang else "/verify", 303)


@router.get("/verify")
def show_form(request: Request, pages: PagesDep) -> Response:
    """Show the form in which a file or a code is handed over."""
    return pages.render(request, "verify.html", countries=COUNTRIES, error=None, asked=_NOTHING)


@router.get("/c")
@router.get("/o")
def show_code_landing(request: Request, pages: PagesDep) -> Response:
    """Receive whoever scanned a code with a camera.

    What the code holds stands in the fragment of the address, which no browser sends. A script
    puts it into the form; it reaches the server only when the person presses the button.
    """
    return pages.render(request, "code.html", countries=COUNTRIES, asked=_NOTHING, headers=_PRIVATE)


@router.post("/verify")
async def verify(
    request: Request, pages: PagesDep, form: FormDep, verifications: VerificationsDep
) -> Response:
    """Check what was handed over and show the report; nothing of it is kept."""
    try:
        name, report = await to_thread.run_sync(
            partial(_answer, form, verifications), limiter=READERS
        )
    except (RegistryError, VerifierError) as error:
        return _refused(request, pages, form, error)
    return pages.render(
        request,
        "report.html",
        headers=_PRIVATE,
        name=name,
        view=report_view(
            report,
            wording(language_of(request)),
            own_host=request.app.state.settings.verifier_host,
        ),
    )


def _answer(form: Form, verifications: Verifications) -> tuple[str, Report]:
    """Return the name of the input and its report."""
    question = {
        name: value for name in ("country", "goods_match", "at") if (value := form.text(name))
    }
    name, content = _input_of(form)
    asked: VerificationRequest = read_request(
        content, question, now=int(system_clock().timestamp())
    )
    return name, verifications.answer(asked)


def _input_of(form: Form) -> tuple[str, bytes]:
    """Return name and content of the file, else the pasted text.

    Raises:
        MalformedQuestionError: There is neither.
    """
    for file in form.chosen_files("file"):
        return file.name, file.content
    if text := form.text("code"):
        return "", text.encode()
    raise MalformedQuestionError("choose a file or paste a code")


def _refused(
    request: Request, pages: Pages, form: Form, error: RegistryError | VerifierError
) -> Response:
    status = status_of(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        raise error
    asked = {name: form.text(name) for name in _NOTHING}
    return pages.render(
        request,
        "verify.html",
        status=status,
        headers=_PRIVATE,
        countries=COUNTRIES,
        error=error.code,
        asked=asked,
    )
