"""Cases of the verdict as files: what was handed over, what the sources say, what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.support import sm2_reference
from tests.support.evidence_builders import InMemoryRegistry, InMemoryTrustSource
from verifier.bundle.content import decode_content
from verifier.bundle.source import BundleTrustSource
from verifier.chain.profile import Profile, parse_profile
from verifier.checks.facts import (
    AnchorFacts,
    BodyFacts,
    BodyKind,
    BodyState,
    BodyStatusFact,
    Head,
    KeyFacts,
    KeyPurpose,
    ScopeFact,
    StatusEvent,
    StatusFacts,
    TrustSource,
)
from verifier.core.encoding import b64u, unb64u
from verifier.core.keys import PublicKey
from verifier.core.strict_json import canonical_json, parse_json_object
from verifier.report import Report
from verifier.service import Question, ReceiptSource, Submission, verify


@dataclass(frozen=True)
class BundleInHand:
    """Content of a trust bundle, and whether it answers in place of the chain."""

    content: bytes
    decides: bool


@dataclass(frozen=True, kw_only=True)
class Case:
    """One verification with everything that goes into it."""

    title: str
    submission: Submission
    question: Question
    profile: Profile | None
    source: InMemoryTrustSource
    registry: InMemoryRegistry | None
    bundle: BundleInHand | None = None

    def report(self) -> Report:
        """Return what the verifier makes of it."""
        return self.report_from(self.source, self.registry)

    def report_from(self, source: TrustSource, registry: ReceiptSource | None) -> Report:
        """Return what the verifier makes of it when it asks these instead."""
        bundle = None
        if self.bundle is not None:
            content = decode_content(self.bundle.content)
            bundle = BundleTrustSource(content, now=self.question.checked_at)
        return verify(
            self.submission,
            self.question,
            profile=self.profile,
            source=bundle if self.bundle and self.bundle.decides else source,
            registry=registry,
            sm2=sm2_reference.verify,
            bundle=bundle,
        )


def write_case(case: Case) -> dict[str, Any]:
    """Return a case as JSON; digests are base64url, body ids hexadecimal, times Unix seconds."""
    profile = case.profile
    bundle = case.bundle
    written = {} if bundle is None else {"bundle": _write_bundle(bundle)}
    return written | {
        "title": case.title,
        "question": asdict(case.question),
        "submission": {
            "token": case.submission.token,
            "receipts": [_text(data) for data in case.submission.receipts],
            "codes": list(case.submission.codes),
            "beside": [_text(data) for data in case.submission.beside],
        },
        "profile": parse_json_object(profile.document, what="profile") if profile else None,
        "chain": _write_source(case.source),
        "registry": case.registry and _write_registry(case.registry),
    }


def read_case(value: Mapping[str, Any]) -> Case:
    """Return the case that `write_case` wrote."""
    submission = value["submission"]
    return Case(
        title=value["title"],
        question=Question(**value["question"]),
        submission=Submission(
            token=submission["token"],
            receipts=tuple(text.encode() for text in submission["receipts"]),
            codes=tuple(submission["codes"]),
            beside=tuple(text.encode() for text in submission["beside"]),
        ),
        profile=parse_profile(canonical_json(value["profile"])) if value["profile"] else None,
        source=_read_source(value["chain"]),
        registry=_read_registry(value["registry"]) if value["registry"] else None,
        bundle=_read_bundle(value["bundle"]) if "bundle" in value else None,
    )


def _write_bundle(bundle: BundleInHand) -> dict[str, Any]:
    return {"content": b64u(bundle.content), "decides": bundle.decides}


def _read_bundle(value: Mapping[str, Any]) -> BundleInHand:
    return BundleInHand(unb64u(value["content"], what="bundle"), value["decides"])


def _text(data: bytes) -> str:
    return data.decode("utf-8")


def _write_registry(registry: InMemoryRegistry) -> dict[str, Any]:
    return {
        "unavailable": registry.silence,
        "receipts": {b64u(leaf): _text(data) for leaf, data in registry.receipts.items()},
    }


def _read_registry(value: Mapping[str, Any]) -> InMemoryRegistry:
    return InMemoryRegistry(
        receipts={_digest(leaf): text.encode() for leaf, text in value["receipts"].items()},
        silence=value["unavailable"],
    )


def _write_source(source: InMemoryTrustSource) -> dict[str, Any]:
    return {
        "unavailable": source.silence,
        "head": asdict(source.block) | {"block_hash": b64u(source.block.block_hash)},
        "bodies": [_write_body(body) for body in source.bodies.values()],
        "keys": [
            {"body": body.hex(), "thumbprint": b64u(thumbprint)} | _write_key(key)
            for (body, thumbprint), key in source.keys.items()
        ],
        "anchors": [
            asdict(anchor) | {"root": b64u(anchor.root)} for anchor in source.anchors.values()
        ],
        "statuses": [
            {"body": body.hex(), "list": list_number, "index": index} | asdict(status)
            for (body, list_number, index), status in source.statuses.items()
        ],
        "leaves": [
            {"leaf": b64u(leaf)} | asdict(status) for leaf, status in source.revoked_leaves.items()
        ],
    }


def _read_source(value: Mapping[str, Any]) -> InMemoryTrustSource:
    head = value["head"]
    bodies = [_read_body(body) for body in value["bodies"]]
    anchors = [
        AnchorFacts(**anchor | {"root": _digest(anchor["root"])}) for anchor in value["anchors"]
    ]
    return InMemoryTrustSource(
        block=Head(**head | {"block_hash": _digest(head["block_hash"])}),
        bodies={body.body_id: body for body in bodies},
        keys={
            (bytes.fromhex(key["body"]), _digest(key["thumbprint"])): _read_key(key)
            for key in value["keys"]
        },
        anchors={(anchor.root, anchor.size): anchor for anchor in anchors},
        statuses={
            (bytes.fromhex(status["body"]), status["list"], status["index"]): _read_status(status)
            for status in value["statuses"]
        },
        revoked_leaves={_digest(leaf["leaf"]): _read_status(leaf) for leaf in value["leaves"]},
        silence=value["unavailable"],
    )


def _write_body(body: BodyFacts) -> dict[str, Any]:
    written = asdict(body) | {"body_id": body.body_id.hex(), "kind": body.kind.name.lower()}
    written["statuses"] = [
        asdict(status) | {"state": status.state.name.lower()} for status in body.statuses
    ]
    written["scopes"] = [
        asdict(scope) | {"document_hash": b64u(scope.document_hash)} for scope in body.scopes
    ]
    return written


def _read_body(value: Mapping[str, Any]) -> BodyFacts:
    return BodyFacts(
        **{
            **value,
            "body_id": bytes.fromhex(value["body_id"]),
            "kind": BodyKind[value["kind"].upper()],
            "statuses": tuple(
                BodyStatusFact(**status | {"state": BodyState[status["state"].upper()]})
                for status in value["statuses"]
            ),
            "scopes": tuple(
                ScopeFact(**scope | {"document_hash": _digest(scope["document_hash"])})
                for scope in value["scopes"]
            ),
        }
    )


_KEY_TIMES = (
    "registered_at",
    "sign_until",
    "anchor_until",
    "revoked_at",
    "revocation_recorded_at",
    "compromised_since",
)


def _write_key(key: KeyFacts) -> dict[str, Any]:
    times = {name: getattr(key, name) for name in _KEY_TIMES}
    return {"jwk": key.public_key.jwk(), "purpose": key.purpose.name.lower()} | times


def _read_key(value: Mapping[str, Any]) -> KeyFacts:
    return KeyFacts(
        public_key=PublicKey.from_jwk(value["jwk"]),
        purpose=KeyPurpose[value["purpose"].upper()],
        **{name: value[name] for name in _KEY_TIMES},
    )


def _read_status(value: Mapping[str, Any]) -> StatusFacts:
    return StatusFacts(
        revoked=value["revoked"],
        suspended_by_body=value["suspended_by_body"],
        suspended_by_party=value["suspended_by_party"],
        events=tuple(StatusEvent(**event) for event in value["events"]),
    )


def _digest(text: str) -> bytes:
    return unb64u(text, what="digest", length=32)
