"""Who looks at a page: the session in the cookie, and what every form must prove."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from registry.access.dependencies import GateDep
from registry.access.domain import Action
from registry.access.errors import (
    CsrfMismatchError,
    NotAuthenticatedError,
    NotPermittedError,
)
from registry.access.gate import SESSION_PREFIX
from registry.access.principal import Principal, RefusedError
from registry.kit.errors import RegistryError, UnauthenticatedError
from registry.kit.forms import Form, FormDep
from registry.kit.problems import status_of
from registry.settings import Environment
from registry.web.pages import get_pages
from verifier.core.errors import VerifierError

CSRF_FIELD: Final = "csrf"
NO_STORE: Final = {"Cache-Control": "no-store"}
_SECURE_COOKIE: Final = "__Host-lancang"
_PLAIN_COOKIE: Final = "lancang"  # over plain HTTP, on a demonstration's own machine
_SAME_SITE: Final = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in.

    Attributes:
        principal: Who he is and what he may do.
        secret: Secret of his session.
        csrf: What every form of his pages carries.
    """

    principal: Principal
    secret: str
    csrf: str

    def may(self, action: str) -> bool:
        """Tell whether one of his roles allows an action anywhere; what is not shown is not asked.

        Args:
            action: Code of the action, as `registry.access.domain.Action` has it.
        """
        reach = self.principal.reach(Action(action))
        return reach.everywhere or bool(reach.parties or reach.bodies)

    def require(self, action: Action) -> None:
        """Refuse a page on which nothing could be done.

        Raises:
            NotPermittedError: None of his roles allows the action anywhere.
        """
        if not self.may(action):
            raise NotPermittedError(f"none of your roles allows {action}")


def get_visitor(request: Request, gate: GateDep) -> Iterator[Visitor]:
    """Yield who is signed in; what the page refuses him goes to the audit trail.

    Raises:
        NotAuthenticatedError: Nobody is.
        TokenInvalidError: The session has ended.
    """
    secret = session_secret(request)
    if not secret.startswith(SESSION_PREFIX):
        raise NotAuthenticatedError("sign in first")
    visitor = Visitor(gate.principal_of(secret), secret, gate.csrf_token(secret))
    try:
        yield visitor
    except RegistryError as error:
        if isinstance(error.__cause__, RefusedError):
            gate.note_refused(error.__cause__, error)
        raise


VisitorDep = Annotated[Visitor, Depends(get_visitor)]


def get_proved_form(request: Request, visitor: VisitorDep, gate: GateDep, form: FormDep) -> Form:
    """Provide a form that was made for the visitor's session.

    Raises:
        CsrfMismatchError: It was not, or it was sent from another site.
    """
    check_same_site(request)
    gate.check_csrf(visitor.secret, form.text(CSRF_FIELD))
    return form


ProvedFormDep = Annotated[Form, Depends(get_proved_form)]


def check_same_site(request: Request) -> None:
    """Refuse a form that a page of another site sent, as far as the browser tells.

    Raises:
        CsrfMismatchError: It tells so.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site not in _SAME_SITE:
        raise CsrfMismatchError("the form was sent from another site")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise CsrfMismatchError("the form was sent from another site")


def session_secret(request: Request) -> str:
    """Return the secret in the session cookie, "" without one."""
    return request.cookies.get(_cookie_name(request), "")


def keep_session(request: Request, response: Response, secret: str) -> None:
    """Put a session into the browser; scripts and other sites never see it."""
    response.set_cookie(
        _cookie_name(request),
        secret,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def drop_session(request: Request, response: Response) -> None:
    """Take the session out of the browser."""
    response.delete_cookie(
        _cookie_name(request),
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


class PageRoute(APIRoute):
    """A route whose errors are pages; who is not signed in is sent to do so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route with its errors shown."""
        handler = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handler(request)
            except UnauthenticatedError:
                return _to_sign_in(request)
            except (RegistryError, VerifierError) as error:
                return error_page(request, error)

        return shown


def error_page(request: Request, error: RegistryError | VerifierError) -> Response:
    """Show an error; a defect is left to the log.

    Raises:
        RegistryError: `error`, where it says something about us.
        VerifierError: Likewise.
    """
    status = status_of(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        raise error
    pages = get_pages(request)
    key = f"problem.{error.code}"
    return pages.render(
        request,
        "problem.html",
        status=status,
        headers=NO_STORE,
        key=key if pages.has_text(key) else None,
        detail=str(error),
        code=error.code,
        back=_back(request),
    )


def _to_sign_in(request: Request) -> Response:
    wanted = request.url.path if request.method == "GET" else "/desk"
    if request.method == "GET" and request.url.query:
        wanted += f"?{request.url.query}"
    members = {"next": wanted}
    if "lang" in request.query_params:
        members["lang"] = request.query_params["lang"]
    return RedirectResponse(f"/sign-in?{urlencode(members)}", HTTPStatus.SEE_OTHER)


def _back(request: Request) -> str:
    """Return the page from which a form came, if it was one of ours, else the desk."""
    referrer = urlsplit(request.headers.get("referer", ""))
    if referrer.netloc != request.headers.get("host", ""):
        return "/desk"
    address = f"{referrer.path}?{referrer.query}" if referrer.query else referrer.path
    return address if is_own_address(address) else "/desk"


def is_own_address(address: str) -> bool:
    """Tell whether an address is a path of this site, never that of another."""
    return address.startswith("/") and not address.startswith(("//", "/\\"))


def _cookie_name(request: Request) -> str:
    return _SECURE_COOKIE if _is_secure(request) else _PLAIN_COOKIE


def _is_secure(request: Request) -> bool:
    """Tell whether cookies are sent over TLS alone; in production always."""
    production = request.app.state.settings.environment is Environment.PRODUCTION
    return production or request.url.scheme == "https"
