"""An installation as it is run: founded by commands, served by a process, reached over HTTP."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.web import Html

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLES: Final = ROOT / "examples" / "sample_documents.json"
PASSWORD: Final = "correct horse battery"
_COMMANDS: Final = Path(sys.executable).parent
_LISTENING: Final = re.compile(r"running on (http://127\.0\.0\.1:\d+)")
_SECONDS: Final = 300.0  # for anything that is waited for; a loaded machine is slow
_NO_LIMIT: Final = "1000000"  # of requests a minute: one machine plays everybody


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A served installation.

    Attributes:
        home: Its folder.
        url: Where it answers.
        environment: Of its commands.
        connections: Closed when it is no longer served.
    """

    home: Path
    url: str
    environment: Mapping[str, str]
    connections: ExitStack

    def lancang(self, *arguments: str, typed: str = "") -> str:
        """Run a command that must succeed, beside the server."""
        return _lancang(self.environment, *arguments, typed=typed)

    def verify(self, files: Sequence[Path], *options: str) -> list[dict[str, Any]]:
        """Return the reports of one run of `lancang-verify`, in the order of the files."""
        command = [
            _COMMANDS / "lancang-verify", *files, "--json", *options,
            "--profile", self.home / "profile.json", "--rpc", "embedded",
        ]  # fmt: skip
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        reports = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(reports) == len(files), done.stderr
        return reports

    def sign_in(self, name: str) -> Person:
        """Return somebody who signs in over the API."""
        client = self.connections.enter_context(httpx.Client(base_url=self.url, timeout=_SECONDS))
        answer = client.post("/v1/sessions", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return Person(client)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at work over the API."""

    client: httpx.Client

    def ask(self, method: str, path: str, *, expected: int, **options: Any) -> httpx.Response:
        """Send a request that must be answered so."""
        answer = self.client.request(method, f"/v1{path}", **options)
        assert answer.status_code == expected, f"{method} {path}: {answer.text[:2000]}"
        return answer

    def appoint(self, name: str, role: str, tenant: str) -> None:
        """Add a person who signs in under his name."""
        body = {
            "name": name,
            "sign_in": {"name": name, "password": PASSWORD},
            "grant": {"role": role, "tenant": tenant},
        }
        self.ask("POST", "/people", expected=201, json=body)

    def take_in(self, content: bytes, media_type: str, *, expected: int = 201) -> httpx.Response:
        """Hand a file of documents in."""
        return self.ask(
            "POST", "/certificates/imports", expected=expected, content=content,
            headers={"Content-Type": media_type},
        )  # fmt: skip

    def issue(self, identifier: str) -> None:
        """Approve a draft as it was seen, and have it signed."""
        path = f"/certificates/{identifier}"
        tag = self.ask("GET", path, expected=200).headers["etag"]
        self.ask("POST", f"{path}/approval", expected=204, headers={"If-Match": tag})
        self.ask("POST", f"{path}/signature", expected=204)

    def deliver(self, identifier: str) -> dict[str, Any]:
        """Return what the holder of a certificate receives."""
        answer: dict[str, Any] = self.ask(
            "GET", f"/certificates/{identifier}/delivery", expected=200
        ).json()
        return answer


def print_all(served: Served, name: str) -> dict[str, bytes]:
    """Print every certificate of a person's body at the desk; return the pages by name."""
    with httpx.Client(base_url=served.url, timeout=_SECONDS, follow_redirects=True) as browser:
        _send(browser, "/sign-in", {"name": name, "password": PASSWORD})
        job = _send(browser, "/desk/print", {"body": "", "standing": "all"}).url.path
        until(lambda: 'http-equiv="refresh"' not in browser.get(job).text)
        answer = browser.get(f"{job}/pages.zip")
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {Path(name).name: archive.read(name) for name in archive.namelist()}


def until(holds: Callable[[], bool]) -> None:
    """Ask once a second until something holds."""
    deadline = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(1)


@contextmanager
def served(home: Path, database_url: str) -> Iterator[Served]:
    """Found an installation with the sample parties and bodies, and serve it for a while."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LANCANG_")}
    environment = kept | {
        "LANCANG_HOME": str(home),
        "LANCANG_DATABASE_URL": database_url,
        "LANCANG_FONTS": str(ROOT / "node_modules"),
        "LANCANG_HTTP__REQUESTS_PER_MINUTE": _NO_LIMIT,
        "LANCANG_HTTP__REQUEST_BURST": _NO_LIMIT,
        "LANCANG_ANCHORING__MAX_AGE": "PT3S",
    }
    log = home / "serve.log"
    try:
        _lancang(environment, "init", str(SAMPLES))
        with log.open("wb") as stream:
            server = subprocess.Popen(
                [_COMMANDS / "lancang", "serve", "--port", "0"],
                env=environment, cwd=ROOT, stdout=stream, stderr=stream,
            )  # fmt: skip
        try:
            url = _address(server, log)
            with ExitStack() as connections:
                yield Served(home=home, url=url, environment=environment, connections=connections)
        finally:
            server.terminate()
            server.wait()
    finally:
        _lancang(environment, "chain", "stop")


def _lancang(environment: Mapping[str, str], *arguments: str, typed: str = "") -> str:
    done = subprocess.run(
        [_COMMANDS / "lancang", "--no-color", *arguments],
        env=environment, cwd=ROOT, capture_output=True, text=True, input=typed, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"lancang {arguments[0]}: {done.stderr or done.stdout}"
    return done.stdout


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    until(lambda: server.poll() is not None or bool(_LISTENING.search(log.read_text())))
    found = _LISTENING.search(log.read_text())
    assert found, log.read_text()
    return found[1]


def _send(browser: httpx.Client, path: str, values: Mapping[str, str]) -> httpx.Response:
    form = Html(browser.get(path).text).form(path)
    answer = browser.post(form.action, data={**form.values, **values})
    assert answer.status_code == 200, answer.text
    return answer
