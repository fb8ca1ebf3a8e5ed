"""The text of both codes: what is read, what is refused, what a changed character does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.summaries import CERTIFICATE_ID, FixedSigner, make_claims
from verifier.core.codes import OfflineCode, parse_code
from verifier.core.conclusions import Conclusion
from verifier.core.credential import ResultStub
from verifier.core.encoding import b64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.hashing import leaf_digest
from verifier.core.keys import TOKEN_ALGORITHMS, Algorithm
from verifier.core.link_code import LinkCode, encode_link_code, parse_link_code
from verifier.core.merkle import Tree
from verifier.core.offline_code import Summary, issue_summary, parse_offline_code

HOST = "verify.lancang.example"
SIGNER = FixedSigner()
SUMMARY = issue_summary(make_claims("LA"), SIGNER)
LEAF = leaf_digest(b"header.payload.signature")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def sealed(summary: Summary = SUMMARY, *, size: int = 1024, position: int = 700) -> Summary:
    """Put the summary among other leaves and give it its proof."""
    leaves = [leaf_digest(number.to_bytes(4, "big")) for number in range(size)]
    leaves[position] = summary.leaf()
    proof = Tree.build(leaves).subtree_proof(position)
    return summary.with_proof(proof.index, proof.leaves, proof.path)


def refused(text: str) -> str:
    with pytest.raises(MalformedEvidenceError) as caught:
        parse_offline_code(text)
    return caught.value.reason


class TestOfflineCode:
    @pytest.mark.parametrize("algorithm", TOKEN_ALGORITHMS)
    @pytest.mark.parametrize("proven", [True, False])
    def test_comes_back(self, algorithm: Algorithm, *, proven: bool) -> None:
        signer = FixedSigner(algorithm)
        summary = issue_summary(make_claims(), signer)
        summary = sealed(summary) if proven else summary

        read = parse_offline_code(summary.encode_offline_code(HOST))

        assert read == summary
        assert read.verify(signer.public_key)
        assert read.thumbprint == signer.thumbprint

    def test_proof_leads_to_the_head_of_the_subtree(self) -> None:
        leaves = [leaf_digest(bytes([number])) for number in range(200)] * 6
        leaves[1100] = SUMMARY.leaf()
        tree = Tree.build(leaves)
        proof = tree.subtree_proof(1100)
        read = parse_offline_code(
            SUMMARY.with_proof(proof.index, proof.leaves, proof.path).encode_offline_code(HOST)
        )

        assert read.head() == tree.subtree_heads()[1]
        assert (proof.index, proof.leaves) == (76, 176)

    def test_proof_is_no_part_of_the_leaf(self) -> None:
        assert sealed().leaf() == SUMMARY.leaf() == leaf_digest(SUMMARY.entry())
        assert SUMMARY.head() is None

    def test_every_host_reads_the_same(self) -> None:
        ours = SUMMARY.encode_offline_code(HOST)
        foreign = ours.replace(HOST, "evil.example:8443")

        assert parse_offline_code(foreign) == parse_offline_code(ours)
        code = parse_code(foreign)
        assert isinstance(code, OfflineCode)
        assert code.host == "evil.example:8443"

    def test_length_of_the_printed_text(self) -> None:
        # Version 25 of a QR code holds 997 bytes at error correction M: 50 mm on paper.
        assert len(sealed().encode_offline_code(HOST)) <= 997

    def test_three_hundred_results_cost_no_space(self) -> None:
        results = tuple(ResultStub(at, Conclusion.PASS, accredited=True) for at in range(1, 301))
        summary = sealed(issue_summary(replace(make_claims("LA"), results=results), SIGNER))

        assert len(summary.encode_offline_code(HOST)) <= 997

    def test_what_no_qr_code_holds_is_not_made(self) -> None:
        results = tuple(
            ResultStub(at, Conclusion.PASS, accredited=at % 2 == 0) for at in range(1, 801)
        )
        summary = issue_summary(replace(make_claims(), results=results), SIGNER)

        with pytest.raises(LimitExceededError):
            summary.encode_offline_code(HOST)

    def test_no_changed_character_is_accepted_with_other_content(self) -> None:
        summary = sealed()
        text = summary.encode_offline_code(HOST)
        start = text.index("#") + 1
        accepted = []
        for at in range(start, len(text)):
            value = ALPHABET.index(text[at])
            changed = text[:at] + ALPHABET[value ^ (1 << at % 6)] + text[at + 1 :]
            try:
                read = parse_offline_code(changed)
            except MalformedEvidenceError:
                continue
            if read.verify(SIGNER.public_key) and (
                read.claims != summary.claims or read.head() == summary.head()
            ):
                accepted.append(at - start)

        assert accepted == []

    @given(st.data())
    def test_no_edited_text_is_accepted_with_other_content(self, data: st.DataObject) -> None:
        summary = sealed()
        text = summary.encode_offline_code(HOST)
        at = data.draw(st.integers(text.index("#"), len(text) - 1))
        cut = data.draw(st.integers(0, 8))
        changed = text[:at] + data.draw(st.text(ALPHABET, max_size=8)) + text[at + cut :]
        try:
            read = parse_offline_code(changed)
        except MalformedEvidenceError:
            return
        if read.verify(SIGNER.public_key):
            assert read.claims == summary.claims
            assert changed == text or read.head() != summary.head()

    @pytest.mark.parametrize(
        "spell",
        [
            pytest.param(lambda payload: payload + "=", id="padding"),
            pytest.param(lambda payload: payload + "\n", id="line end"),
            pytest.param(lambda payload: payload.replace("_", "/"), id="plain base64"),
            pytest.param(lambda payload: payload[:-1], id="last character cut"),
            pytest.param(lambda payload: payload[:40] + " " + payload[40:], id="space"),
        ],
    )
    def test_another_spelling_is_refused(self, spell: object) -> None:
        address, payload = sealed().encode_offline_code(HOST).split("#")
        assert callable(spell)
        spelt = spell(payload)
        assert spelt != payload

        assert refused(f"{address}#{spelt}") in {"base64url", "cbor", "length"}

    @pytest.mark.parametrize(
        "header",
        [
            pytest.param({-65538: []}, id="empty proof"),
            pytest.param({-65538: [0, 1]}, id="no path"),
            pytest.param({-65538: [0, 1, b"", 0]}, id="fourth part"),
            pytest.param({-65538: [0, True, b""]}, id="leaves is true"),
            pytest.param({-65538: [0, 2, "n" * 32]}, id="path is text"),
            pytest.param({-65538: [0, 2, [bytes(32)]]}, id="path is a list"),
            pytest.param({-65538: [0, 2, bytes(31)]}, id="short node"),
            pytest.param({-65538: [0, 2, bytes(33)]}, id="one byte more"),
            pytest.param({-65538: [0, 2, b""]}, id="path too short"),
            pytest.param({-65538: [0, 1, bytes(32)]}, id="path too long"),
            pytest.param({-65538: [2, 2, bytes(32)]}, id="index outside"),
            pytest.param({-65538: [0, 1025, bytes(320)]}, id="more than a subtree"),
            pytest.param({-65538: [0, 1024, bytes(352)]}, id="eleven nodes"),
            pytest.param({-65538: {}}, id="proof is a map"),
            pytest.param({396: bytes(8)}, id="another header"),
            pytest.param({-65538: [0, 1, b""], 4: b"k"}, id="one more header"),
        ],
    )
    def test_unsigned_header_that_is_no_proof(self, header: dict[int, object]) -> None:
        message = replace(SUMMARY.message, unprotected=header)

        refused(f"https://{HOST}/o#{b64u(message.encode())}")

    @pytest.mark.parametrize("host", ["", "a b", "evil.example/o#", "user@host", "-a", "host:"])
    def test_host_that_is_none(self, host: str) -> None:
        with pytest.raises(MalformedEvidenceError):
            SUMMARY.encode_offline_code(host)


class TestLinkCode:
    TEXT = encode_link_code(HOST, certificate_id=CERTIFICATE_ID, leaf=LEAF)

    def test_comes_back(self) -> None:
        assert parse_link_code(self.TEXT) == LinkCode(
            host=HOST, certificate_id=CERTIFICATE_ID, leaf=LEAF
        )
        text = f"https://{HOST}/c#i=Pyt-HJCtTFWOax0vOktcbQ&h={b64u(LEAF)}"
        assert text == self.TEXT

    @given(st.uuids(), st.binary(min_size=32, max_size=32))
    @settings(deadline=None)
    def test_every_id_comes_back(self, uuid: object, leaf: bytes) -> None:
        code = parse_link_code(encode_link_code(HOST, certificate_id=f"urn:uuid:{uuid}", leaf=leaf))

        assert (code.certificate_id, code.leaf) == (f"urn:uuid:{uuid}", leaf)

    @pytest.mark.parametrize(
        "certificate_id",
        [
            CERTIFICATE_ID.upper(),
            CERTIFICATE_ID.removeprefix("urn:uuid:"),
            CERTIFICATE_ID.replace("-", ""),
            "urn:uuid:",
            "urn:uuid:{3f2b7e1c-90ad-4c55-8e6b-1d2f3a4b5c6d}",
        ],
    )
    def test_another_spelling_of_the_id(self, certificate_id: str) -> None:
        with pytest.raises(MalformedEvidenceError):
            encode_link_code(HOST, certificate_id=certificate_id, leaf=LEAF)

    def test_leaf_of_another_length(self) -> None:
        with pytest.raises(MalformedEvidenceError):
            encode_link_code(HOST, certificate_id=CERTIFICATE_ID, leaf=LEAF[:31])

    def test_no_changed_bit_reads_as_the_same(self) -> None:
        start = self.TEXT.index("h=") + 2
        for at in range(start, len(self.TEXT)):
            value = ALPHABET.index(self.TEXT[at])
            for bit in range(6):
                changed = self.TEXT[:at] + ALPHABET[value ^ (1 << bit)] + self.TEXT[at + 1 :]
                try:
                    leaf = parse_link_code(changed).leaf
                except MalformedEvidenceError:
                    continue
                assert leaf != LEAF

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(("&h=", "&x=1&h="), id="another part"),
            pytest.param(("i=", "h="), id="other name"),
            pytest.param(("&h=", "&amp;h="), id="escaped"),
            pytest.param(("i=Py", "i=%50y"), id="percent encoding"),
            pytest.param(("bQ&", "bR&"), id="stray bits in the id"),
            pytest.param(("bQ&", "b&"), id="cut id"),
            pytest.param(("i=Pyt-HJCtTFWOax0vOktcbQ&", "i=Pyt-HJCtTFWOax0vOktc&"), id="15 bytes"),
            pytest.param(("bQ&", "bQAA&"), id="18 bytes"),
        ],
    )
    def test_refused(self, change: tuple[str, str]) -> None:
        assert change[0] in self.TEXT
        with pytest.raises(MalformedEvidenceError):
            parse_link_code(self.TEXT.replace(*change))


class TestReadingEitherCode:
    def test_tells_them_apart(self) -> None:
        assert isinstance(parse_code(SUMMARY.encode_offline_code(HOST)), OfflineCode)
        assert isinstance(parse_code(TestLinkCode.TEXT), LinkCode)

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("", id="nothing"),
            pytest.param("hello", id="words"),
            pytest.param("https://verify.lancang.example/", id="address without payload"),
            pytest.param("https://verify.lancang.example/o", id="no fragment"),
            pytest.param("https://verify.lancang.example/o#", id="empty fragment"),
            pytest.param("https://shop.example/o#promotion", id="somebody else's page"),
            pytest.param("https://shop.example/c#chapter-2", id="somebody else's chapter"),
            pytest.param("https://verify.lancang.example/o?x=1#0oRY", id="query"),
            pytest.param("https://verify.lancang.example/x#0oRY", id="another page"),
            pytest.param("https://user@verify.lancang.example/o#0oRY", id="user name"),
            pytest.param("http://verify.lancang.example/o#0oRY", id="not https"),
            pytest.param("javascript:alert(1)//https://a.example/o#0oRY", id="script"),
            pytest.param("HC1:6BFOXN*TS0BI$ZD4N9", id="health certificate"),
            pytest.param("https://例え.example/o#0oRY", id="host is not ASCII"),
        ],
    )
    def test_what_is_not_ours(self, text: str) -> None:
        with pytest.raises(NotOursError):
            parse_code(text)

    def test_signed_message_of_another_type_is_not_ours(self) -> None:
        message = replace(SUMMARY.message, typ="lancang-other+cwt")

        with pytest.raises(NotOursError):
            parse_code(f"https://{HOST}/o#{b64u(message.encode())}")

    def test_each_parser_refuses_the_other_code(self) -> None:
        with pytest.raises(NotOursError):
            parse_offline_code(TestLinkCode.TEXT)
        with pytest.raises(NotOursError):
            parse_link_code(SUMMARY.encode_offline_code(HOST))

    def test_longer_than_any_qr_code(self) -> None:
        with pytest.raises(LimitExceededError):
            parse_code(f"https://{HOST}/o#0oRY" + "A" * 5000)

    @given(st.text(max_size=200))
    @settings(deadline=None)
    def test_noise_is_not_ours(self, text: str) -> None:
        with pytest.raises(NotOursError):
            parse_code(text)

    @given(st.text(ALPHABET, max_size=200))
    @settings(deadline=None)
    def test_noise_after_our_beginning_is_malformed(self, noise: str) -> None:
        with pytest.raises(MalformedEvidenceError):
            parse_code(f"https://{HOST}/o#0oRY{noise}")
