"""A browser without scripts: follows redirects, keeps cookies, fills in forms, reads text."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
from fastapi import FastAPI

from registry.app import create_app
from registry.settings import Settings
from registry.signing.client import SignerClient
from tests.support.evidence_builders import trust_profile
from tests.support.registry_world import World
from verifier.checks.facts import TrustSource

HOST = "registry.example"


@dataclass
class FormFields:
    """A form of a page with the values that it has before anybody types."""

    action: str
    method: str
    multipart: bool
    values: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Html(HTMLParser):
    """What tests want to know of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[FormFields] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)

    @property
    def text(self) -> str:
        """The words of the page."""
        return " ".join(" ".join(self.words).split())

    def form(self, ending: str) -> FormFields:
        """Return the form whose action ends so."""
        return next(f for f in self.forms if f.action.split("?")[0].endswith(ending))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, links and sources."""
        members = {name: value or "" for name, value in attrs}
        self.tags.append((tag, members))
        if tag == "a" and "href" in members:
            self.links.append(members["href"])
        self.sources += [members[name] for name in ("src",) if name in members]
        if tag == "link":
            self.sources.append(members["href"])
        if tag == "form":
            self.forms.append(
                FormFields(
                    members.get("action", ""),
                    members.get("method", "get"),
                    members.get("enctype") == "multipart/form-data",
                )
            )
        if self.forms and members.get("name"):
            if tag == "input" and members.get("type") not in {"checkbox", "radio", "file"}:
                self.forms[-1].values[members["name"]] = members.get("value", "")
            elif tag == "button":
                self.forms[-1].buttons.append((members["name"], members.get("value", "")))

    def handle_data(self, data: str) -> None:
        """Collect words."""
        self.words.append(data)


@dataclass
class Browser:
    """One visitor of an application."""

    app: FastAPI
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)
    language: str = "en"

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request and follow redirects."""

        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with (
                httpx.AsyncClient(
                    transport=transport,
                    base_url=f"https://{HOST}",
                    cookies=self.cookies,
                    headers={"Accept-Language": self.language, "Accept": "text/html"},
                    follow_redirects=True,
                ) as client,
            ):
                response = await client.request(method, path, **options)
                self.cookies = client.cookies
                return response

        return asyncio.run(call())

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Open a page."""
        return self.request("GET", path, **options)

    def send(
        self,
        form: FormFields,
        values: Mapping[str, Any] | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> httpx.Response:
        """Send a form with what was filled in."""
        data = {**form.values, **(values or {})}
        if not form.multipart:
            return self.request(form.method, form.action, data=data)
        sent: list[tuple[str, Any]] = [
            *((name, (None, value)) for name, value in data.items()),
            *((files or {}).items()),
        ]
        return self.request(form.method, form.action, files=sent)


def make_app(world: World, signer: SignerClient | None = None, **settings: Any) -> FastAPI:
    """Return the application over a test world, with its chain in memory."""
    (world.folder / "profile.json").write_bytes(trust_profile().document)

    def open_source(*_: object, **__: object) -> AbstractContextManager[TrustSource]:
        return nullcontext(world.trust_source())

    return create_app(
        Settings(home=world.folder, **settings),
        clock=world.clock,
        open_source=open_source,
        signer=signer,
    )
