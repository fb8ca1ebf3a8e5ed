"""From draft to history at the command line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from sqlalchemy import select

from registry.certificates.amendments import Change, changes_between
from registry.certificates.models import CertificateRow
from registry.certificates.printing import PrintRun, Selection, Standing
from registry.certificates.rendering.letterhead import NO_LETTERHEAD, load_letterhead
from registry.certificates.rendering.paper import font_directories
from registry.cli import main
from registry.kit.errors import UnusableSettingsError
from tests.support.registry_world import PASSPHRASE, World, samples

Lancang = Callable[..., Result]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def lancang(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lancang:
    passphrase = tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE)
    passphrase.chmod(0o600)
    monkeypatch.setenv("LANCANG_HOME", str(tmp_path))
    monkeypatch.setenv("LANCANG_FONTS", str(ROOT / "node_modules"))
    monkeypatch.setenv("LANCANG_SIGNER__KEYSTORE", str(tmp_path / "keys"))
    monkeypatch.setenv("LANCANG_SIGNER__PASSPHRASE_FILE", str(passphrase))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["--no-color", *map(str, arguments)])

    return run


def file_of(folder: Path, *documents: object) -> Path:
    path = folder / "documents.json"
    path.write_text(json.dumps(list(documents)), "utf-8")
    return path


def only_id(world: World, number: str, revision: int = 1) -> str:
    with world.database.read() as session:
        return session.scalars(
            select(CertificateRow.id).where(
                CertificateRow.number == number, CertificateRow.revision == revision
            )
        ).one()


def acts(lancang: Lancang, identifier: str) -> list[str]:
    result = lancang("history", identifier, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line)["act"] for line in result.stdout.splitlines()]


def test_a_draft_is_returned_handed_in_again_approved_and_signed(
    lancang: Lancang, world: World, tmp_path: Path
) -> None:
    document = samples()["documents"][0]
    file = file_of(tmp_path, document)
    assert "1 drafts stored" in lancang("drafts", "add", file, "--by", "Li Na").stdout
    identifier = only_id(world, document["number"])

    returned = lancang(
        "drafts", "return", identifier, "--by", "Wang Fang", "--remarks", "lot number?"
    )
    assert returned.exit_code == 0, returned.output
    assert "returned: lot number?" in lancang("drafts", "list").stdout
    refused = lancang("drafts", "approve", identifier, "--by", "Wang Fang")
    assert (refused.exit_code, "draft_returned" in refused.stderr) == (1, True)
    again = lancang("drafts", "submit", identifier, "--by", "Li Na", "--remarks", "checked")
    assert again.exit_code == 0, again.output
    shown = lancang("drafts", "show", identifier).stdout
    assert "return by Wang Fang: lot number?" in shown
    assert "submit by Li Na: checked" in shown
    assert lancang("drafts", "approve", identifier, "--by", "li na").exit_code == 1
    assert lancang("drafts", "approve", identifier, "--by", "Wang Fang").exit_code == 0
    assert "1 signed" in lancang("drafts", "sign").stdout

    assert set(acts(lancang, identifier)) == {
        "imported", "draft_return", "draft_submit", "approved", "signed",
    }  # fmt: skip


def test_an_amendment_shows_what_it_changes_and_replaces_the_earlier_one(
    lancang: Lancang, world: World, tmp_path: Path
) -> None:
    document = samples()["documents"][0]
    number = document["number"]
    world.issue(document)
    amended = json.loads(json.dumps(document)) | {
        "revision": 2,
        "replaces": {"number": number, "revision": 1, "reason": {"en": "wrong lot number"}},
    }
    amended["consignment"]["lot_no"] = "MT-2026-0299"
    lancang("drafts", "add", file_of(tmp_path, amended), "--by", "Li Na")
    later = only_id(world, number, 2)

    shown = lancang("drafts", "show", later).stdout
    assert 'changed /consignment/lot_no: "MT-2026-0210" → "MT-2026-0299"' in shown
    assert shown.count("changed ") == 1

    lancang("drafts", "approve", later, "--by", "Wang Fang")
    assert "1 signed" in lancang("drafts", "sign").stdout
    first = only_id(world, number, 1)
    assert acts(lancang, first)[-1] == "revoke"
    assert "amended" in acts(lancang, first)
    assert "superseded" in lancang("history", first).stdout


def test_a_wrong_draft_is_discarded_by_its_maker_alone(
    lancang: Lancang, world: World, tmp_path: Path
) -> None:
    document = samples()["documents"][0]
    lancang("drafts", "add", file_of(tmp_path, document), "--by", "Li Na")
    identifier = only_id(world, document["number"])
    assert lancang("drafts", "discard", identifier, "--by", "Wang Fang").exit_code == 1
    assert lancang("drafts", "discard", identifier, "--by", "Li Na").exit_code == 0
    again = lancang("drafts", "add", file_of(tmp_path, document), "--by", "Wang Fang")
    assert again.exit_code == 0


def test_suspending_resuming_revoking(lancang: Lancang, world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    identifier = item.certificate_id
    assert lancang("suspend", identifier, "--by", "Wang Fang").exit_code == 0
    assert lancang("resume", identifier).exit_code == 0
    assert lancang("revoke", identifier, "--reason", "error").exit_code == 0
    assert lancang("suspend", identifier).exit_code == 1
    assert acts(lancang, identifier)[-3:] == ["suspend", "resume", "revoke"]


def test_many_are_revoked_by_two_people(lancang: Lancang, world: World) -> None:
    document = samples()["documents"][0]
    made = world.issue(*({**document, "number": f"DEMO-{at}"} for at in range(11)))
    identifiers = [item.certificate_id for item in made]

    asked = lancang("revoke", *identifiers, "--reason", "fraud", "--by", "Li Na")

    assert asked.exit_code == 0, asked.output
    request = asked.stdout.split("--approve ")[1].split()[0]
    assert lancang("revoke", "--approve", request, "--by", "Li Na").exit_code == 1
    done = lancang("revoke", "--approve", request, "--by", "Wang Fang")
    assert "11 revocations are ordered" in done.stdout
    assert lancang("revoke").exit_code == 2


def test_content_is_erased_after_its_period(lancang: Lancang, world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    options = ("retention", "--ground", "six years", "--by", "Li Na", "--issued-before")
    assert lancang(*options, "2999-01-01", "--yes").exit_code == 2
    too_young = lancang(*options, f"{datetime.now(UTC).year - 5}-01-01", "--yes")
    assert too_young.exit_code == 2
    assert "contents are kept for 6 years" in too_young.output
    assert "0 certificates would be erased" in lancang(*options[:-1]).stdout
    with world.database.begin() as session:
        assert session.get_one(CertificateRow, item.certificate_id).document != "{}"
    # The clock of this test stands at the day of issue, the command takes the real one.
    assert "0 certificates would be erased" in lancang(*options, "2020-01-01").stdout
    assert "the content of 0" in lancang(*options, "2020-01-01", "--yes").stdout


def png(size: tuple[int, int] = (40, 20)) -> bytes:
    stream = io.BytesIO()
    picture = Image.new("RGBA", size, (200, 0, 0, 128))
    picture.save(stream, format="PNG")
    return stream.getvalue()


class TestPrinting:
    def test_pages_of_the_chosen_certificates_with_their_letterhead(
        self, lancang: Lancang, world: World, tmp_path: Path
    ) -> None:
        folder = tmp_path / "letterheads" / "demo-km"
        folder.mkdir(parents=True)
        (folder / "logo.png").write_bytes(png())
        (folder / "lines.txt").write_text("Demonstration Road 1\n\nKunming\n", "utf-8")
        durian, cement, _, record = samples()["documents"]
        made = world.issue(durian, cement, record)
        waiting = lancang("print", "--out", tmp_path / "paper")
        assert waiting.exit_code == 0, waiting.output
        assert "3 are not anchored yet" in waiting.stderr
        world.anchor()
        lancang("revoke", made[1].certificate_id, "--reason", "error")

        result = lancang("print", "--out", tmp_path / "paper")

        assert "2 printed" in result.stdout, result.output
        names = sorted(str(p.relative_to(tmp_path / "paper")) for p in tmp_path.glob("paper/*/*"))
        assert names == [f"demo-km/{durian['number']}.pdf", f"demo-port/{record['number']}.pdf"]
        with_head = (tmp_path / "paper" / names[0]).read_bytes()
        (folder / "logo.png").unlink()
        (folder / "lines.txt").unlink()
        lancang("print", "--out", tmp_path / "plain", "--body", "demo-km", "--everything")
        assert (tmp_path / "plain" / names[0]).read_bytes() != with_head
        assert len(list((tmp_path / "plain" / "demo-km").iterdir())) == 9
        assert lancang("print", "--out", tmp_path, "--body", "nobody").exit_code == 2

    def test_time_and_standing_choose(self, world: World, tmp_path: Path) -> None:
        [item] = world.issue(samples()["documents"][0])
        run = PrintRun(
            database=world.database,
            trees=world.trees,
            fonts=font_directories(ROOT / "node_modules"),
            home=tmp_path,
            verifier_host="verify.lancang.example",
        )
        now = world.clock.now.replace(microsecond=0)
        assert run.chosen(Selection(since=now)) == [item.certificate_id]
        assert run.chosen(Selection(until=now)) == []
        assert run.chosen(Selection(standing=Standing.REVOKED)) == []
        assert run.chosen(Selection(body=bytes(32))) == []


class TestLetterheads:
    def test_a_picture_is_pixels_and_nothing_else(self, tmp_path: Path) -> None:
        folder = tmp_path / "letterheads" / "lab" / "marks"
        folder.mkdir(parents=True)
        (folder / "CNAS.png").write_bytes(png() + b"<script>")
        found = load_letterhead(tmp_path, "lab")
        assert list(found.marks) == ["CNAS"]
        assert b"<script>" not in found.marks["CNAS"]

    @pytest.mark.parametrize("alias", ["../lab", "lab/../../x", "", "nobody"])
    def test_no_alias_leaves_the_folder(self, tmp_path: Path, alias: str) -> None:
        assert load_letterhead(tmp_path, alias) == NO_LETTERHEAD

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("logo.png", b"GIF89a"),
            ("logo.png", bytes(3 * 1024 * 1024)),
            ("logo.png", png((2100, 2000))),
            ("lines.txt", b"\xff"),
            ("lines.txt", b"1\n2\n3\n4\n5\n6\n7"),
            ("lines.txt", "\u202eevil".encode()),
        ],
        ids=["no PNG", "too many bytes", "too many pixels", "no UTF-8", "too many lines", "bidi"],
    )
    def test_what_is_refused(self, tmp_path: Path, name: str, content: bytes) -> None:
        folder = tmp_path / "letterheads" / "lab"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        with pytest.raises(UnusableSettingsError):
            load_letterhead(tmp_path, "lab")


def test_changes_are_named_by_field() -> None:
    before = {"number": "A", "a": {"x": 1, "y": "2"}, "l": ["p", "q"], "f": True}
    after = {"number": "B", "a": {"x": 1, "z": "2"}, "l": ["p"], "f": 1, "revision": 2}
    assert changes_between(before, after) == [  # type: ignore[arg-type]
        Change("/a/y", '"2"', None),
        Change("/a/z", None, '"2"'),
        Change("/f", "true", "1"),
        Change("/l/1", '"q"', None),
    ]
