"""The profile is the root of all trust: what it accepts and what it refuses."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rpc_node import Generation, generation_document, profile_document
from tests.support.sm2_reference import FixedSm2Signer
from verifier.chain.profile import Profile, ProfileKind, load_profile, parse_profile
from verifier.core.errors import UntrustedProfileError
from verifier.core.keys import Algorithm
from verifier.core.strict_json import canonical_json

SCHEMA = Path(__file__).parents[4] / "docs" / "schemas" / "profile.schema.json"
JWK = {
    "crv": "Ed25519",
    "kty": "OKP",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",  # RFC 8037, appendix A.2
}


def document(**changes: Any) -> dict[str, Any]:
    """Return a usable demonstration profile; tests name only what they are about."""
    return profile_document({"A": "https://a.example/"}) | changes


def production(**chain: Any) -> dict[str, Any]:
    urls = {"A": "https://a.example/", "B": "https://b.example/"}
    changes = {"chain_id": 100, "quorum": 2} | chain
    return profile_document(urls, **changes) | {"kind": "production"}


def parse(value: dict[str, Any]) -> Profile:
    return parse_profile(json.dumps(value).encode())


def generation(first: int, until: int | None) -> dict[str, Any]:
    return generation_document(Generation(), first, until)


def test_everything_is_read() -> None:
    profile = parse(
        document(
            kind="demonstration",
            bundle_signers=[{"name": "Root", "jwk": JWK}],
            bundle_threshold=1,
            algorithms={"EdDSA": None, "ES256": 1_900_000_000},
        )
    )

    (chain,) = profile.chains
    assert profile.kind is ProfileKind.DEMONSTRATION
    assert chain.chain_id == 31337
    assert chain.generations[0].trust_registry.address == Generation().registry
    assert chain.generations[0].covers(5)
    assert profile.country_of("CN") == "CN"
    assert profile.country_of("LA") is None
    assert profile.bundle_signers[0].key.algorithm is Algorithm.EDDSA


def test_a_cut_off_date_is_the_first_moment_that_does_not_count() -> None:
    profile = parse(document(algorithms={"ES256": 1_900_000_000}))

    assert profile.allows(Algorithm.ES256, at=1_899_999_999)
    assert not profile.allows(Algorithm.ES256, at=1_900_000_000)
    assert not profile.allows(Algorithm.EDDSA, at=0)


def test_fingerprint_covers_the_content_and_not_its_spelling() -> None:
    value = document()
    spaced = json.dumps(dict(reversed(value.items())), indent=3).encode()

    profile = parse_profile(spaced)

    digest = hashlib.sha256(canonical_json(value)).hexdigest()
    assert profile.fingerprint() == digest
    assert profile.printed_fingerprint().replace(" ", "") == digest[:32]
    assert [len(group) for group in profile.printed_fingerprint().split(" ")] == [4] * 8
    assert parse(document(name="Other")).fingerprint() != digest


def test_generations_follow_each_other_and_may_leave_gaps() -> None:
    profile = parse(
        profile_document(
            {"A": "https://a.example/"}, generations=[generation(0, 10), generation(12, None)]
        )
    )

    covers = [
        [g.covers(block) for block in (0, 9, 10, 11, 12)] for g in profile.chains[0].generations
    ]
    assert covers == [[True, True, False, False, False], [False, False, False, False, True]]


@pytest.mark.parametrize(
    "generations",
    [
        pytest.param([generation(0, 10), generation(9, None)], id="overlap"),
        pytest.param([generation(0, None), generation(10, None)], id="open end is not the last"),
        pytest.param([generation(10, None), generation(0, 10)], id="wrong order"),
        pytest.param([generation(5, 5)], id="empty range"),
    ],
)
def test_refuses_generations_that_speak_twice_or_not_at_all(
    generations: list[dict[str, Any]],
) -> None:
    with pytest.raises(UntrustedProfileError, match="generation"):
        parse(profile_document({"A": "https://a.example/"}, generations=generations))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param(production(quorum=1), "quorum of at least 2", id="one node decides"),
        pytest.param(production(chain_id=31337), "development chain", id="anvil"),
        pytest.param(production(chain_id=1337), "development chain", id="geth --dev"),
        pytest.param(
            production(
                endpoints=[
                    {"url": "https://a.example/", "operator": "Same Ltd"},
                    {"url": "https://b.example/", "operator": " same  ltd"},
                ]
            ),
            "1 distinct operators",
            id="two endpoints of one operator",
        ),
    ],
)
def test_production_rules(value: dict[str, Any], problem: str) -> None:
    parse(production())
    with pytest.raises(UntrustedProfileError, match=problem):
        parse(value)


@pytest.mark.parametrize(
    "url",
    [
        "http://node.example/",
        "ftp://127.0.0.1/",
        "https://user:secret@node.example/",
        "https://node.example/#x",
        "https://node.example/?key=1",
        "https://",
        "https://node.example:0/",
        "https://node.example:99999/",
        "https://nöde.example/",
        "https://node.example/a b",
        "http://10.0.0.1/",
        "http://127.0.0.1.example/",
    ],
)
def test_refuses_endpoints_that_anybody_between_could_answer_for(url: str) -> None:
    with pytest.raises(UntrustedProfileError, match="endpoint"):
        parse(profile_document({"A": url}))


@pytest.mark.parametrize("url", ["http://127.0.0.1:8545", "http://[::1]:1/", "http://localhost/x"])
def test_plain_http_is_for_this_machine(url: str) -> None:
    assert parse(profile_document({"A": url})).chains[0].endpoints[0].url == url


def test_a_secret_in_a_url_is_not_repeated_in_the_error() -> None:
    with pytest.raises(UntrustedProfileError) as caught:
        parse(profile_document({"A": "https://user:hunter2@node.example/v3/hunter2"}))
    assert "hunter2" not in str(caught.value)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value)
    return [
        deeper
        for key, child in children
        for deeper in [
            (*path, key),
            *(_paths(child, (*path, key)) if isinstance(child, dict | list) else []),
        ]
    ]


FULL = document(bundle_signers=[{"name": "Root", "jwk": JWK}], bundle_threshold=1)


@pytest.mark.parametrize("path", _paths(FULL), ids=lambda path: ".".join(map(str, path)))
def test_every_member_is_needed_and_typed(path: tuple[Any, ...]) -> None:
    for change in ("missing", "unknown", "wrong"):
        value = copy.deepcopy(FULL)
        parent: Any = value
        for key in path[:-1]:
            parent = parent[key]
        if change == "wrong":
            parent[path[-1]] = {"no": "such thing"}
        elif change == "unknown" and isinstance(parent, dict):
            parent["surprise"] = 1
        elif isinstance(parent, dict) and path[:-1] != ("algorithms",):
            del parent[path[-1]]
        else:
            continue
        with pytest.raises(UntrustedProfileError):
            parse(value)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"chains": []}, id="no chain"),
        pytest.param({"parties": []}, id="no party"),
        pytest.param({"algorithms": {}}, id="no algorithm"),
        pytest.param({"algorithms": {"none": None}}, id="unknown algorithm"),
        pytest.param({"algorithms": {"ES256": True}}, id="flag for a date"),
        pytest.param({"parties": [{"id": "CN", "country": "CN"}] * 2}, id="party twice"),
        pytest.param({"parties": [{"id": "cn", "country": "CN"}]}, id="lower-case party"),
        pytest.param({"parties": [{"id": "CN", "country": "China"}]}, id="country in words"),
        pytest.param({"bundle_threshold": 1}, id="threshold without signers"),
        pytest.param({"bundle_signers": [{"name": "R", "jwk": JWK}]}, id="nobody must sign"),
        pytest.param({"profile": 2}, id="other version"),
        pytest.param({"kind": "test"}, id="other kind"),
        pytest.param({"name": " "}, id="no name"),
        pytest.param({"name": "evil\u202eelihw"}, id="bidirectional control in the name"),
    ],
)
def test_refuses(changes: dict[str, Any]) -> None:
    with pytest.raises(UntrustedProfileError):
        parse(document(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"finality": {"rule": "depth", "depth": None}},
        {"finality": {"rule": "depth", "depth": 0}},
        {"finality": {"rule": "instant", "depth": 3}},
        {"finality": {"rule": "hope", "depth": None}},
        {"max_head_age_seconds": 0},
        {"max_head_age_seconds": 10**9},
        {"genesis": "0x12"},
        {"genesis": "0X" + "AB" * 32},
        {"quorum": 0},
        {"quorum": 2},
        {"endpoints": []},
        {"chain_id": 0},
    ],
    ids=str,
)
def test_refuses_chain(changes: dict[str, Any]) -> None:
    with pytest.raises(UntrustedProfileError):
        parse(profile_document({"A": "https://a.example/"}, **changes))


class TestOtherEndpoints:
    def test_replace_those_of_the_profile_and_keep_its_fingerprint(self) -> None:
        profile = parse(document())

        changed = profile.with_endpoints(["http://127.0.0.1:9", "http://127.0.0.1:8"], quorum=2)

        assert [e.url for e in changed.chains[0].endpoints] == [
            "http://127.0.0.1:9",
            "http://127.0.0.1:8",
        ]
        assert changed.chains[0].quorum == 2
        assert changed.fingerprint() == profile.fingerprint()

    def test_only_the_quorum(self) -> None:
        profile = parse(production())
        assert profile.with_endpoints([], quorum=None) == profile

    @pytest.mark.parametrize(
        ("urls", "quorum"),
        [
            (["https://a.example/"], None),
            (["https://a.example/1", "https://a.example:443/2"], None),
            (["https://a.example/", "https://b.example/"], 1),
            (["https://a.example/", "http://b.example/"], 2),
            ([], 3),
        ],
    )
    def test_production_rules_hold_for_them_too(self, urls: list[str], quorum: int | None) -> None:
        with pytest.raises(UntrustedProfileError):
            parse(production()).with_endpoints(urls, quorum=quorum)

    def test_not_for_several_chains(self) -> None:
        other = profile_document({"A": "https://a.example/"}, chain_id=7)["chains"]
        profile = parse(document(chains=[*document()["chains"], *other]))
        with pytest.raises(UntrustedProfileError, match="one chain"):
            profile.with_endpoints(["https://a.example/"])


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a profile.json"
    path.write_text(json.dumps(document()))
    assert load_profile(path) == parse(document())

    with pytest.raises(UntrustedProfileError, match=r"missing\.json"):
        load_profile(tmp_path / "missing.json")


JSON_NOISE = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(FULL)), children, max_size=8)
    ),
)


@given(st.binary(max_size=64) | JSON_NOISE.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_refused_in_one_way(data: bytes) -> None:
    with pytest.raises(UntrustedProfileError):
        parse_profile(data)


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


class TestSchema:
    def test_accepts_what_is_accepted(self, validator: Any) -> None:
        for value in (document(), production(), FULL):
            assert validator.is_valid(value)

    def test_refuses_wrong_types_everywhere(self, validator: Any) -> None:
        for path in _paths(FULL):
            value = copy.deepcopy(FULL)
            parent: Any = value
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = {"no": "such thing"}
            assert not validator.is_valid(value), path

    def test_knows_the_production_rules_it_can_express(self, validator: Any) -> None:
        assert not validator.is_valid(production(quorum=1))
        assert not validator.is_valid(production(chain_id=31337))


def test_a_bundle_is_not_signed_with_sm2() -> None:
    """Its signatures are those of co-signatures alone; nothing here would verify one."""
    jwk = FixedSm2Signer().public_key.jwk()
    with pytest.raises(UntrustedProfileError):
        parse(document(bundle_signers=[{"name": "One", "jwk": jwk}], bundle_threshold=1))
