"""Signing in and out on the pages."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from registry.access.dependencies import GateDep
from registry.access.errors import SignInRefusedError
from registry.kit.forms import FormDep
from registry.web.pages import PagesDep
from registry.web.visitors import (
    NO_STORE,
    PageRoute,
    ProvedFormDep,
    VisitorDep,
    check_same_site,
    drop_session,
    is_own_address,
    keep_session,
)

router: Final = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/sign-in")
def show_sign_in(request: Request, pages: PagesDep) -> Response:
    """Show the form in which somebody says who he is."""
    wanted = request.query_params.get("next", "")
    return pages.render(
        request, "sign_in.html", headers=NO_STORE, wanted=wanted, name="", refused=False
    )


@router.post("/sign-in")
def sign_in(request: Request, pages: PagesDep, gate: GateDep, form: FormDep) -> Response:
    """Begin a session, always a new one, and lead to the page that was wanted."""
    check_same_site(request)
    wanted = form.text("next")
    try:
        secret = gate.sign_in(form.text("name"), form.raw("password"))
    except SignInRefusedError:
        return pages.render(
            request,
            "sign_in.html",
            status=HTTPStatus.UNAUTHORIZED,
            headers=NO_STORE,
            wanted=wanted,
            name=form.text("name"),
            refused=True,
        )
    response = RedirectResponse(
        wanted if is_own_address(wanted) else "/desk", HTTPStatus.SEE_OTHER, headers=NO_STORE
    )
    keep_session(request, response, secret)
    return response


@router.post("/sign-out")
def sign_out(
    request: Request, gate: GateDep, visitor: VisitorDep, _form: ProvedFormDep
) -> Response:
    """End the session, here and in the browser."""
    gate.sign_out(visitor.secret)
    response = RedirectResponse("/verify", HTTPStatus.SEE_OTHER, headers=NO_STORE)
    drop_session(request, response)
    return response
