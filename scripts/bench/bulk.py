"""Importing and issuing many certificates beside OpenAttestation, and printing them."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from registry.certificates.bulk import BulkIssue
from registry.certificates.intake import read_import
from registry.certificates.models import IssuedTokenRow
from registry.certificates.printing import PrintRun, Selection, Standing
from registry.certificates.rendering.paper import font_directories
from registry.certificates.tables.writing import rows_of, used_columns, write_table
from scripts.bench.certificates import BareSigner
from scripts.bench.figure import Figure, cpu_seconds
from tests.support.anchoring import Installation
from tests.support.certificates import sample_documents
from tests.support.registry_database import NOW, make_template
from tests.support.registry_world import LI, WANG, World, build_world
from verifier.core.field_policy import DocumentKind

CERTIFICATES: Final = int(os.environ.get("BENCH_CERTIFICATES", "10000"))
PAGES: Final = 1000
_PEER: Final = "@govtechsg/open-attestation@6.9.7"
_PEER_NAME: Final = "OpenAttestation 6.9.7 wrapDocuments"
_PEER_DOCUMENTS: Final = 200  # its cost per document does not depend on how many there are
_PAGE_LIMIT_MS: Final = 60.0
_ROOT: Final = Path(__file__).parents[2]
_INSTALL_SECONDS: Final = 180

# Wraps the documents of a file and prints the CPU seconds that it took.
_WRAP: Final = """
const { wrapDocuments } = require("@govtechsg/open-attestation");
const documents = JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"));
const wrapped = (part) => wrapDocuments(part.map((each) => ({ ...each, issuers: [{
  name: "Demonstration", documentStore: "0x0000000000000000000000000000000000000001",
  identityProof: { type: "DNS-TXT", location: "demonstration.example" } }] })));
wrapped(documents.slice(0, 10));
const before = process.cpuUsage();
const done = wrapped(documents);
const used = process.cpuUsage(before);
if (done.length !== documents.length) throw new Error("not all were wrapped");
console.log((used.user + used.system) / 1e6);
"""


def measure() -> list[Figure]:
    """Return the figures of import, issue and printing."""
    documents = _documents(CERTIFICATES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "world").mkdir()
        installation = Installation(folder / "world", make_template(folder), now=NOW)
        try:
            world = build_world(installation)
            issued = _issue_seconds(world, documents)
            figures = [
                _beside_peer(len(documents) / issued, documents, folder),
                _beside_floor(issued / len(documents), world),
            ]
            figures += _tables(documents, issued)
            figures.append(_printing(world))
        finally:
            installation.database.dispose()
    return figures


def _documents(count: int) -> list[dict[str, Any]]:
    sample = sample_documents()[0]
    made = []
    for number in range(count):
        document = copy.deepcopy(sample)
        document["number"] = f"DEMO-BENCH-{number:06}"
        document["consignment"]["lot_no"] = f"LOT-{number:06}"
        made.append(document)
    return made


def _issue_seconds(world: World, documents: Sequence[dict[str, Any]]) -> float:
    """Return the CPU seconds of import, approval, signing, reading back and queueing."""
    data = json.dumps(documents, ensure_ascii=False).encode()
    bulk = BulkIssue(
        database=world.database,
        open_issuer=lambda: OpenIssuer(world),
        maker=LI,
        approver=WANG,
        clock=world.clock,
    )
    before = time.process_time()
    outcome = bulk.run([("documents.json", data)])
    seconds = time.process_time() - before
    if len(outcome.issued) != len(documents):
        raise AssertionError("not all certificates were issued")
    return seconds


class OpenIssuer:
    """The issuer of a world as a context."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __enter__(self) -> Any:
        return self._world.issuer()

    def __exit__(self, *_: object) -> None:
        return None


def _beside_peer(ours: float, documents: Sequence[dict[str, Any]], folder: Path) -> Figure:
    part = f"import and issue, {len(documents):,} certificates"
    unit = "certificates per CPU second"
    seconds = _peer_seconds(documents[:_PEER_DOCUMENTS], folder)
    if seconds is None:
        return Figure(
            part=part, ours=ours, peer=ours, unit=unit,
            peer_name=f"{_PEER_NAME} could not be installed; ours",
        )  # fmt: skip
    return Figure(
        part=part, ours=ours, peer=_PEER_DOCUMENTS / seconds, unit=unit, peer_name=_PEER_NAME,
        goal=25, at_least=True,
    )  # fmt: skip


def _beside_floor(ours: float, world: World) -> Figure:
    """Return our cost beside what no program can do without, in the same run.

    That is to sign certificate and offline code, to verify both signatures before they leave, and
    to hash every disclosure, the token and the code once.
    """
    signer = BareSigner()
    with world.database.read() as session:
        first = session.scalars(select(IssuedTokenRow.certificate_id).limit(1)).one()
    issued = world.deliver(first)
    jwt, *disclosures, _ = issued.compact.split("~")
    token, code = jwt.encode(), issued.offline_code.encode()
    pieces = [each.encode() for each in disclosures]

    def floor() -> None:
        for message in (token, code):
            signer.public.verify(signer.sign(message), message)
        for piece in (*pieces, token, code):
            hashlib.sha256(piece).digest()

    return Figure(
        part="import and issue one certificate",
        ours=ours * 1e6,
        peer=min(cpu_seconds(floor, 200) for _ in range(5)) * 1e6,
        peer_name="two ES256 signatures, their verification, one SHA-256 of everything",
        unit="µs CPU",
    )


def _peer_seconds(documents: Sequence[dict[str, Any]], folder: Path) -> float | None:
    """Return the CPU seconds of the peer, None where it cannot be had."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return None
    peer = folder / "peer"
    peer.mkdir()
    try:
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", _PEER],
            cwd=peer, check=True, capture_output=True, timeout=_INSTALL_SECONDS,
        )  # fmt: skip
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    (peer / "wrap.cjs").write_text(_WRAP)
    (peer / "documents.json").write_text(json.dumps(documents))
    done = subprocess.run(
        [node, "wrap.cjs", "documents.json"], cwd=peer, check=True, capture_output=True
    )
    return float(done.stdout)


def _tables(documents: Sequence[dict[str, Any]], issued: float) -> list[Figure]:
    """Return what reading the same documents from tables costs beside issuing them."""
    columns = used_columns(DocumentKind.TEST_CERTIFICATE, documents[:1])
    rows = rows_of(documents, columns)
    figures = []
    for file_format in ("csv", "xlsx"):
        data = write_table(columns, rows, file_format=file_format, language="zh")
        before = time.process_time()
        content = read_import(data, source=f"documents.{file_format}")
        seconds = time.process_time() - before
        if content.problems or len(content.documents) != len(documents):
            raise AssertionError(f"the {file_format} file was not read")
        figures.append(
            Figure(
                part=f"read {len(rows)} rows of {file_format.upper()}",
                ours=seconds / len(documents) * 1e6,
                peer=issued / len(documents) * 1e6,
                peer_name="issuing one",
                unit="µs CPU per certificate",
            )
        )
    return figures


def _printing(world: World) -> Figure:
    """Return what a page costs from the database to the finished PDF."""
    world.anchor()
    run = PrintRun(
        database=world.database,
        trees=world.trees,
        fonts=font_directories(_ROOT / "node_modules"),
        home=world.folder,
        verifier_host="verify.lancang.example",
    )
    identifiers = run.chosen(Selection(standing=Standing.ALL))[: PAGES + 1]
    run.page(*run.deliver(identifiers[0]))  # the first one reads the fonts
    before = time.process_time()
    for identifier in identifiers[1:]:
        run.page(*run.deliver(identifier))
    seconds = time.process_time() - before
    return Figure(
        part=f"deliver and print, {PAGES} PDF/A-3 of two pages",
        ours=seconds / PAGES * 1000,
        peer=_PAGE_LIMIT_MS,
        peer_name="limit",
        unit="ms CPU each",
        goal=1,
    )
