"""What every page shares: templates, languages, security headers and static files.

A page is one template that extends `base.html`, its words in a file of `texts/`, and a router
that calls `Pages.render`. Nothing is fetched from elsewhere, no script and no style stands inside
a page, so the content security policy can forbid both.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from registry.kit.languages import negotiate
from registry.kit.problems import problem_response

LANGUAGES: Final = {"zh": "中文", "en": "English"}
PLAIN_POLICY: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

_FOLDER: Final = Path(__file__).parent
_YEAR_SECONDS: Final = 31_536_000

router: Final = APIRouter(include_in_schema=False)


def language_of(request: Request) -> str:
    """Return the language of an answer: `?lang=`, else Accept-Language, else English."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return negotiate(request.headers.get("accept-language", ""))


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file that pages refer to.

    Attributes:
        content: Its bytes.
        media_type: What they are.
        version: Start of their SHA-256; part of the address, so that copies never go stale.
    """

    content: bytes
    media_type: str
    version: str


class Pages:
    """Renders pages.

    Attributes:
        static: Files under `/static/`, by name.
    """

    def __init__(self) -> None:
        self.static = _read_static(_FOLDER / "static")
        self._texts = _read_texts(_FOLDER / "texts")
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["static_url"] = self.static_url
        self._environment.globals["languages"] = LANGUAGES

    def static_url(self, name: str) -> str:
        """Return the address of a static file.

        Raises:
            KeyError: There is no such file.
        """
        return f"/static/{name}?v={self.static[name].version}"

    def text(self, key: str, language: str, **values: object) -> str:
        """Return a text of `texts/*.json` with its `{placeholders}` filled.

        Raises:
            KeyError: There is no such text; a defect of the page.
        """
        return self._texts[key][language].format(**values)

    def has_text(self, key: str) -> bool:
        """Tell whether there is a text, for words chosen by data."""
        return key in self._texts

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        policy: Mapping[str, str] = PLAIN_POLICY,
        headers: Mapping[str, str] | None = None,
        **context: Any,  # noqa: ANN401  (whatever the template shows)
    ) -> Response:
        """Return a page.

        Templates find `t(key, **values)` for texts, `label(prefix, code)` for the words of a code,
        `lang`, `path`, `address(path, **query)` which keeps a chosen language, and `static_url`.

        Args:
            request: The request that is answered.
            template: Name of the template.
            status: Status of the answer.
            policy: Content security policy; a page that needs more extends `PLAIN_POLICY`.
            headers: Further headers.
            context: What the template shows; it is escaped.
        """
        language = language_of(request)
        chosen = {"lang": language} if request.query_params.get("lang") in LANGUAGES else {}
        body = self._environment.get_template(template).render(
            t=partial(self._text_in, language),
            label=partial(self._label, language),
            lang=language,
            chosen_lang=chosen.get("lang", ""),
            path=request.url.path,
            switches=_switches(request),
            address=partial(_address, chosen),
            **context,
        )
        return Response(
            body,
            status_code=int(status),
            media_type="text/html; charset=utf-8",
            headers=_page_headers(language, policy) | dict(headers or {}),
        )

    def _text_in(self, language: str, key: str, **values: object) -> str:
        return self.text(key, language, **values)

    def _label(self, language: str, prefix: str, code: object) -> str:
        """Return the words of a code, the code itself where there are none."""
        key = f"{prefix}.{code}"
        return self.text(key, language) if self.has_text(key) else str(code).replace("_", " ")


def install(app: FastAPI) -> None:
    """Give an application its pages' templates and static files."""
    app.state.pages = Pages()
    app.include_router(router)


def get_pages(request: Request) -> Pages:
    """Provide the templates."""
    return cast("Pages", request.app.state.pages)


PagesDep = Annotated[Pages, Depends(get_pages)]


@router.get("/static/{name:path}")
def read_static(name: str, request: Request, pages: PagesDep) -> Response:
    """Return a static file; under its own version it may be kept for good."""
    file = pages.static.get(name)
    if file is None:
        return problem_response("not_found", HTTPStatus.NOT_FOUND)
    current = request.query_params.get("v") == file.version
    lifetime = f"public, max-age={_YEAR_SECONDS}, immutable" if current else "no-cache"
    tag = f'"{file.version}"'
    headers = {"Cache-Control": lifetime, "ETag": tag, "X-Content-Type-Options": "nosniff"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def _page_headers(language: str, policy: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of every page."""
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Content-Language": language,
        "Vary": "Accept-Language",
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def _switches(request: Request) -> list[dict[str, str]]:
    """Return the addresses of the same page in each language."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return [
        {
            "lang": code,
            "name": name,
            "href": f"{request.url.path}?{urlencode([*kept, ('lang', code)])}",
        }
        for code, name in LANGUAGES.items()
    ]


def _address(chosen: Mapping[str, str], path: str, **query: object) -> str:
    """Return an address with the filled query members and a language that was chosen."""
    members = {name: value for name, value in query.items() if value not in (None, "")}
    encoded = urlencode(members | dict(chosen))
    return f"{path}?{encoded}" if encoded else path


def _read_static(folder: Path) -> dict[str, StaticFile]:
    """Read the static files; there are few and they are small."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            media_type, _ = mimetypes.guess_type(path.name)
            found[path.relative_to(folder).as_posix()] = StaticFile(
                content,
                media_type or "application/octet-stream",
                hashlib.sha256(content).hexdigest()[:16],
            )
    return found


def _read_texts(folder: Path) -> dict[str, dict[str, str]]:
    """Read the texts of every page: key → language → text.

    Raises:
        ValueError: A key stands in two files, or a language is missing.
    """
    texts: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("*.json")):
        for key, entry in json.loads(path.read_text("utf-8")).items():
            if key in texts:
                raise ValueError(f"{path.name}: {key} is defined twice")
            if set(entry) != set(LANGUAGES):
                raise ValueError(f"{path.name}: {key} needs {', '.join(LANGUAGES)}")
            texts[key] = entry
    return texts
