"""`lancang demo`: the whole main job on the sample documents, as a new user would do it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from registry.anchoring.trees import TreeShelf
from registry.bodies.service import get_body
from registry.certificates.delivery import Delivery, deliver
from registry.certificates.intake import read_import
from registry.certificates.rendering.files import files_of
from registry.certificates.rendering.paper import font_directories
from registry.certificates.service import signed_ids
from registry.console import Application, pass_application, plain
from registry.object_store import open_object_store
from verifier.chain.embedded import EmbeddedChain
from verifier.core.strict_json import canonical_json

EXAMPLES: Final = ("sample_documents.json", "sample_results.csv", "sample_results.xlsx")
EXPECTED: Final = "valid_with_notes"
ALLOWED_NOTES: Final = frozenset(
    {"demonstration_chain", "issue_date_claimed", "recorded_later", "partly_accredited",
     "reported_by_registry"}
)  # fmt: skip
# What each kind of file is verified from, and how its name ends.
FORMS: Final[Mapping[str, str]] = {
    "pdf": ".pdf",
    "sdjwt": ".sdjwt",
    "receipt": ".receipt.json",
    "link_code": ".link.png",
    "offline_code": ".offline.png",
}
OFFLINE_FORMS: Final = ("receipt", "offline_code")  # prove themselves with a trust bundle alone
_SERVER_SECONDS: Final = 60.0
_LISTENING: Final = re.compile(r"running on (http://127\.0\.0\.1:\d+)")
_COMMANDS: Final = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Printed:
    """One delivered document and the files written for it, by form."""

    delivery: Delivery
    files: Mapping[str, Path]


@click.command("demo")
@click.option(
    "--documents",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=[Path("examples") / name for name in EXAMPLES],
    show_default=True,
    help="Import file with documents, the first one with parties and bodies too. Repeatable.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out/demo"),
    show_default=True,
    help="Folder for everything that is written; emptied first.",
)
@pass_application
def command(app: Application, documents: tuple[Path, ...], out: Path) -> None:
    """Register demonstration bodies, issue, anchor, print, and verify everything back.

    Runs the commands that a user would run, says what each is for, and ends with exit status 0
    only if every verdict is the expected one. Repeating it keeps what was issued.
    """
    started = time.monotonic()
    files = [str(path) for path in documents]
    _step(app, "Parties, bodies, keys and contracts", "init", files[0])
    _step(app, "Import, approval by a second person, signatures", "issue", *files,
          "--maker", "Demo Clerk", "--approver", "Demo Approver")  # fmt: skip
    _step(app, "Anchor on the development chain, wait until final", "anchor", "--wait")
    app.out.rule("Print and write the holder's files", align="left")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    printed = _print_documents(app, _numbers(documents), out)
    profile = out / "profile.json"
    profile.write_bytes(app.settings.trust_profile.read_bytes())
    app.out.print(plain(f"{len(printed)} documents in {out}"))
    app.out.rule("Verify each back: PDF, token, receipt, both pictures", align="left")
    with _serving(app) as registry:
        reports = _verify(printed, profile, registry)
    bundle = out / "trust.bundle"
    _step(app, "Trust bundle: what a device takes along", "bundle", "build", "--out", str(bundle))
    offline = _verify_offline(printed, profile, bundle, out / "device")
    summary = _summary(app, printed, reports, profile)
    summary["seconds"] = round(time.monotonic() - started)
    (out / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    _show(app, summary)
    if problems := [*_problems(summary, reports), *offline]:
        for problem in problems:
            app.err.print(plain(problem), style="bold red")
        raise click.exceptions.Exit(1)
    app.out.print(
        f"every verdict is the expected one ({EXPECTED}), on line and off line", style="bold green"
    )
    example = f"{printed[0].files['pdf']} --profile {profile} --rpc embedded"
    app.out.print(plain(f"look at {out}/*.pdf, then try: .venv/bin/lancang-verify {example}"))


def _step(app: Application, purpose: str, *arguments: str) -> None:
    app.out.rule(purpose, align="left")
    app.out.print(plain(f"$ lancang {' '.join(arguments)}"), style="dim")
    done = subprocess.run([_COMMANDS / "lancang", *arguments], check=False)  # noqa: S603
    if done.returncode != 0:
        app.err.print(plain(f"`lancang {arguments[0]}` failed, see above"), style="bold red")
        raise click.exceptions.Exit(done.returncode)


def _numbers(documents: tuple[Path, ...]) -> set[str]:
    """Return the numbers in the import files, which the earlier steps have accepted."""
    items = [
        item
        for path in documents
        for item in read_import(path.read_bytes(), source=str(path)).documents
    ]
    return {str(item.value["number"]) for item in items if isinstance(item.value, dict)}


def _print_documents(app: Application, numbers: set[str], out: Path) -> list[Printed]:
    fonts = font_directories(app.settings.fonts)
    trees = TreeShelf(open_object_store(app.settings))
    printed = []
    with app.database.read() as session:
        for certificate_id in signed_ids(session):
            delivery = deliver(
                session, certificate_id, trees=trees, verifier_host=app.settings.verifier_host
            )
            if delivery.number not in numbers:
                continue  # the user's own
            body = get_body(session, delivery.certificate.parsed.credential.body).body
            for name, content in files_of(delivery, body, fonts=fonts).items():
                (out / name).write_bytes(content)
            files = {form: out / f"{delivery.stem}{ending}" for form, ending in FORMS.items()}
            printed.append(Printed(delivery, files))
    return printed


@contextmanager
def _serving(app: Application) -> Iterator[str]:
    """Run `lancang serve` on a free port while the codes are verified; yield its address."""
    log = app.settings.home / "demo-serve.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(  # noqa: S603
            [_COMMANDS / "lancang", "serve", "--port", "0", "--no-sign"],
            stdout=stream,
            stderr=stream,
        )
    try:
        yield _address(server, log)
    finally:
        server.terminate()
        server.wait()


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _SERVER_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if found := _LISTENING.search(log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.1)
    raise click.ClickException(f"`lancang serve` did not start; its log is {log}")


def _verify(
    printed: list[Printed], profile: Path, registry: str
) -> list[dict[str, dict[str, Any]]]:
    """Return the report of every file, by document and form."""
    inputs = [str(path) for document in printed for path in document.files.values()]
    done = subprocess.run(  # noqa: S603
        [_COMMANDS / "lancang-verify", *inputs, "--profile", profile, "--rpc", "embedded",
         "--registry", registry, "--json"],
        stdout=subprocess.PIPE, check=False, env=os.environ,
    )  # fmt: skip
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    if len(reports) != len(inputs):
        raise click.ClickException("`lancang-verify` failed, see above")
    size = len(FORMS)
    return [
        dict(zip(FORMS, reports[start : start + size], strict=True))
        for start in range(0, len(reports), size)
    ]


def _verify_offline(printed: list[Printed], profile: Path, bundle: Path, device: Path) -> list[str]:
    """Verify what needs no registry from the bundle alone; name verdicts that are not expected."""
    pages = [document.files["pdf"] for document in printed[:1]]  # each takes a process of its own
    inputs = [*pages, *(document.files[form] for document in printed for form in OFFLINE_FORMS)]
    done = subprocess.run(  # noqa: S603
        [_COMMANDS / "lancang-verify", *inputs, "--profile", profile, "--bundle", bundle, "--json"],
        stdout=subprocess.PIPE, check=False,
        env=os.environ | {"LANCANG_HOME": str(device)},  # a device that has seen no bundle before
    )  # fmt: skip
    verdicts = [json.loads(line).get("overall") for line in done.stdout.splitlines()]
    if len(verdicts) != len(inputs):
        raise click.ClickException("`lancang-verify --bundle` failed, see above")
    return [
        f"{path.name} off line: {verdict} instead of {EXPECTED}"
        for path, verdict in zip(inputs, verdicts, strict=True)
        if verdict != EXPECTED
    ]


def _summary(
    app: Application,
    printed: list[Printed],
    reports: list[dict[str, dict[str, Any]]],
    profile: Path,
) -> dict[str, Any]:
    documents = []
    for document, report in zip(printed, reports, strict=True):
        whole = report["sdjwt"]
        documents.append(
            {
                "number": document.delivery.number,
                "kind": document.delivery.certificate.parsed.credential.kind.value,
                "files": {form: str(path) for form, path in document.files.items()},
                "expected": EXPECTED,
                "verdicts": {form: each.get("overall") for form, each in report.items()},
                "codes": {line["line"]: line["code"] for line in whole.get("lines", [])},
            }
        )
    anchor = reports[0]["sdjwt"].get("anchor") if reports else None
    names = ("chain_id", "contract", "root", "block")
    return {
        "documents": documents,
        "anchor": {name: anchor[name] for name in names} if anchor else None,
        "profile": str(profile),
        "rpc": EmbeddedChain(app.settings.embedded_chain).ensure_running().url,
    }


def _problems(summary: Mapping[str, Any], reports: list[dict[str, dict[str, Any]]]) -> list[str]:
    """Name every verdict that is not the expected one, and every note that is not expected."""
    problems = [] if summary["documents"] else ["no document was issued"]
    for document, report in zip(summary["documents"], reports, strict=True):
        problems += [
            f"{document['number']} {form}: {verdict} instead of {EXPECTED}"
            for form, verdict in document["verdicts"].items()
            if verdict != EXPECTED
        ]
        notes = [line for line in report["sdjwt"].get("lines", []) if line["status"] == "note"]
        for line in notes:
            codes = {line["code"], *line["data"].get("notes", [])}
            problems += [
                f"{document['number']} {line['line']}: unexpected note {code}"
                for code in sorted(codes - ALLOWED_NOTES)
            ]
    return problems


def _show(app: Application, summary: Mapping[str, Any]) -> None:
    table = Table("document", *FORMS, box=None, pad_edge=False)
    for document in summary["documents"]:
        marks = ["✔" if v == EXPECTED else f"✘ {v}" for v in document["verdicts"].values()]
        table.add_row(plain(document["number"]), *marks)
    app.out.print(table)
    if anchor := summary["anchor"]:
        app.out.print(plain(canonical_json(anchor).decode()), style="dim")
