"""The process around the PDF parser: what it cannot do, and what is believed of its answers."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.pages import LINK, OFFLINE, pdf
from verifier.core.errors import (
    EvidenceUnavailableError,
    LimitExceededError,
    MalformedEvidenceError,
)
from verifier.core.limits import MAX_DOCUMENT_BYTES, MAX_PDF_BYTES
from verifier.readers import pdf as pdf_reader
from verifier.readers import read

EMPTY = Image.new("L", (10, 10), 255)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="filters calls on Linux")


def reason(data: bytes) -> str:
    with pytest.raises(MalformedEvidenceError) as caught:
        read(data, name="hostile.pdf")
    return caught.value.reason


@linux
def test_a_confined_process_has_no_network_no_files_and_no_others() -> None:
    probe = subprocess.run(
        [sys.executable, "-m", "tests.support.confined_probe"],
        capture_output=True,
        cwd=Path(__file__).parents[3],
        check=True,
    )
    outcomes = json.loads(probe.stdout)
    assert outcomes.pop("confined") is True
    assert outcomes.pop("pipes at hand still work") is True
    assert outcomes.pop("memory") == -1
    assert len(outcomes) == 16
    assert {name: error for name, error in outcomes.items() if error != errno.EPERM} == {}


@linux
@pytest.mark.slow
def test_a_page_that_never_ends_is_cut_off_by_processor_time() -> None:
    drawing = b"0 0 m 595 842 l 300 0 l 0 842 l b* " * 400_000
    packed = zlib.compress(drawing)
    stream = f"<< /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode("latin-1")
    objects = [
        b"1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n",
        b"2 0 obj << /Type /Pages /Count 1 /Kids [3 0 R] >> endobj\n",
        b"3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >> endobj\n",
        b"4 0 obj " + stream + packed + b"\nendstream endobj\n",
    ]
    data = b"%PDF-1.7\n" + b"".join(objects) + b"trailer << /Root 1 0 R /Size 5 >>\n%%EOF"
    begun = time.monotonic()
    assert reason(data) == "pdf_too_slow"
    assert time.monotonic() - begun < 2 * pdf_reader.WALL_SECONDS


@linux
def test_an_inflating_picture_does_not_take_the_memory() -> None:
    side = 30_000
    picture = Image.new("L", (10, 10))
    data = pdf(picture).replace(b"/Width 10 /Height 10", f"/Width {side} /Height {side}".encode())
    begun = time.monotonic()
    try:
        found = read(data, name="bomb.pdf")
        assert found.codes == ()
    except MalformedEvidenceError:
        pass
    assert time.monotonic() - begun < 2 * pdf_reader.WALL_SECONDS


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"%PDF-1.7\n" + b"garbage " * 50, "pdf", id="damaged"),
        pytest.param(pdf(EMPTY, pages=10_000), "limit_exceeded", id="10 000 pages"),
        pytest.param(pdf(pages=0), "pdf", id="no pages"),
        pytest.param(
            pdf(EMPTY, catalog="/OpenAction << /S /JavaScript /JS (x) >>"),
            "active_content",
            id="script",
        ),
        pytest.param(
            pdf(EMPTY, attachments={"a.sdjwt": b"eyJ.a.b~", "b.sdjwt": b"eyJ.c.d~"}),
            "several_documents",
            id="two certificates",
        ),
        pytest.param(pdf(EMPTY, attachments={"a.sdjwt": b"\xff\xfe"}), "token", id="no token"),
    ],
)
def test_hostile_documents(data: bytes, problem: str) -> None:
    assert reason(data) == problem


def test_too_many_bytes() -> None:
    with pytest.raises(LimitExceededError):
        read(b"%PDF-" + bytes(MAX_PDF_BYTES), name="big.pdf")


class TestWorkerThatWasTakenOver:
    @pytest.fixture(autouse=True)
    def _hostile(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pdf_reader, "_WORKER", "tests.support.hostile_worker")
        monkeypatch.setattr(pdf_reader, "WALL_SECONDS", 5)

    @staticmethod
    def order(order: Any) -> bytes:
        return b"%PDF-" + json.dumps(order).encode()

    @pytest.mark.parametrize(
        ("order", "problem"),
        [
            pytest.param("crash", "pdf", id="dies"),
            pytest.param("endless", "limit_exceeded", id="says too much"),
            pytest.param("no JSON", "pdf", id="talks nonsense"),
            pytest.param("[]", "pdf", id="a list"),
            pytest.param({"problem": "made_up"}, "pdf", id="invents a reason"),
            pytest.param({"problem": ["x"]}, "pdf", id="a reason of another type"),
            pytest.param({"tokens": "x"}, "pdf", id="text for a list"),
            pytest.param({"tokens": [7]}, "pdf", id="a number for a token"),
            pytest.param({"tokens": ["%%%"]}, "pdf", id="no base64"),
            pytest.param({"codes": [7]}, "pdf", id="a number for a code"),
            pytest.param({"codes": [LINK] * 17}, "pdf", id="too many codes"),
            pytest.param({"codes": ["https://a.example/\u202e"]}, "pdf", id="a foreign code"),
            pytest.param({"codes": [OFFLINE, f"{OFFLINE}A"]}, "several_codes", id="two codes"),
            pytest.param(
                {"tokens": ["A" * (4 * (MAX_DOCUMENT_BYTES // 3 + 1))]},
                "limit_exceeded",
                id="an oversized token",
            ),
            pytest.param("environment", "limit_exceeded", id="sees no surroundings"),
        ],
    )
    def test_is_not_believed(self, order: Any, problem: str) -> None:
        assert reason(self.order(order)) == problem

    def test_is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pdf_reader, "WALL_SECONDS", 0.5)
        begun = time.monotonic()
        assert reason(self.order("silent")) == "pdf_too_slow"
        assert time.monotonic() - begun < 10

    def test_honest_answers_pass(self) -> None:
        found = read(self.order({"codes": [LINK, OFFLINE], "all_searched": False}), name="x")
        assert found.codes == (OFFLINE, LINK)
        assert found.warnings == ("pdf_pages_not_searched",)
        unfiltered = read(self.order({"filtered": False}), name="x")
        assert unfiltered.warnings == ("pdf_reader_unconfined",)

    def test_a_system_that_cannot_confine_reads_no_pdf(self) -> None:
        with pytest.raises(EvidenceUnavailableError) as caught:
            read(self.order({"problem": "unconfined"}), name="x")
        assert caught.value.reason == "pdf_reader_unavailable"
