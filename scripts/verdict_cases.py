"""The cases of `tests/vectors/verdicts`: genuine, doubtful and hostile, one question each.

Everything follows from fixed keys and the sample documents; `gen_verdict_vectors.py` writes it
down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from tests.support.bundles import bundle_of
from tests.support.certificates import sample_documents
from tests.support.evidence_builders import (
    ANCHORED,
    DAY,
    HOUR,
    NOW,
    SIGNED,
    Evidence,
    World,
    body_of,
    cement,
    durian,
    smallest_record,
    trust_profile,
)
from tests.support.sm2_reference import FixedSm2Signer
from tests.support.summaries import FixedSigner
from tests.support.verdict_files import BundleInHand, Case
from verifier.bundle.content import encode_content
from verifier.checks.facts import BodyState, BodyStatusFact, KeyPurpose, StatusEvent
from verifier.core.certificate import join_compact
from verifier.core.cosignature import co_sign, parse_cosignature
from verifier.core.keys import Algorithm
from verifier.core.views import make_view
from verifier.service import Question, Submission

_DEMONSTRATION: Final = trust_profile(demonstration=True)
_PRODUCTION: Final = trust_profile()
_WITHHELD: Final = ("customer.name", "consignment.container_no", "results.1.detail")

Maker = Callable[[], Case]
_MAKERS: Final[dict[str, Maker]] = {}


def cases() -> dict[str, Case]:
    """Return every case by the name of its directory."""
    return {name: _needed(make()) for name, make in _MAKERS.items()}


def _needed(case: Case) -> Case:
    """Return the case without what the verifier does not ask for."""
    asked = _Asked(case.source)
    registry = _Asked(case.registry) if case.registry else None
    case.report_from(asked, registry)
    source, keep = case.source, asked.arguments
    return replace(
        case,
        source=replace(
            source,
            bodies={name: body for name, body in source.bodies.items() if (name,) in keep},
            keys={name: key for name, key in source.keys.items() if name in keep},
            anchors={name: anchor for name, anchor in source.anchors.items() if name in keep},
        ),
        registry=registry
        and replace(
            case.registry,
            receipts={
                leaf: data
                for leaf, data in case.registry.receipts.items()
                if (leaf,) in registry.arguments
            },
        ),
    )


class _Asked:
    """Passes questions on and notes what they were about."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.arguments: set[tuple[Any, ...]] = set()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def asked(*arguments: Any, **named: Any) -> Any:
            self.arguments.add(arguments)
            return method(*arguments, **named)

        return asked


def _case(make: Maker) -> Maker:
    _MAKERS[make.__name__.strip("_").replace("_", "-")] = make
    return make


def _about(
    title: str,
    world: World,
    submission: Submission,
    *,
    profile: Any = _DEMONSTRATION,
    online: bool = False,
    **question: Any,
) -> Case:
    return Case(
        title=title,
        submission=submission,
        question=Question(**({"checked_at": NOW} | question)),
        profile=profile,
        source=world.source,
        registry=world.registry if online else None,
    )


def _world(document: dict[str, Any], **issuing: Any) -> tuple[World, Evidence]:
    """Return a world that holds no more than one document needs, and that document."""
    world = World()
    evidence = world.issue(document, **issuing)
    return world, evidence


def _altered(token: str, at: int) -> str:
    return f"{token[:at]}{'A' if token[at] != 'A' else 'B'}{token[at + 1 :]}"


# Genuine


@_case
def _genuine_record() -> Case:
    world, evidence = _world(smallest_record())
    return _about("nothing to note", world, evidence.submission(), profile=_PRODUCTION)


@_case
def _genuine_certificate_partly_accredited() -> Case:
    world, evidence = _world(durian())
    return _about("some results are not accredited", world, evidence.submission(), online=True)


@_case
def _genuine_sample_recorded_later() -> Case:
    world = World(registered_at=SIGNED - HOUR)
    evidence = world.issue(sample_documents()[0])
    title = "issued long before it was anchored, under a scope that was recorded later"
    return _about(title, world, evidence.submission(), online=True)


@_case
def _genuine_eddsa() -> Case:
    world = World(algorithm=Algorithm.EDDSA)
    evidence = world.issue(smallest_record())
    return _about("signed with EdDSA", world, evidence.submission(), profile=_PRODUCTION)


@_case
def _genuine_co_signed() -> Case:
    world, evidence = _world(cement(), co_signed=True)
    return _about("signed twice", world, evidence.submission(), profile=_PRODUCTION)


@_case
def _genuine_co_signed_without_its_co_signature() -> Case:
    world, evidence = _world(cement(), co_signed=True)
    submission = Submission(
        token=evidence.sdjwt, receipts=(evidence.receipt_bytes(co_signature=None),)
    )
    return _about("the second signature did not come along", world, submission)


@_case
def _genuine_offline_code() -> Case:
    world, evidence = _world(cement())
    return _about(
        "offline code alone", world, Submission(codes=(evidence.offline_code,)), online=True
    )


@_case
def _genuine_link_code() -> Case:
    world, evidence = _world(cement())
    return _about("link code alone", world, Submission(codes=(evidence.link_code,)), online=True)


@_case
def _genuine_code_of_foreign_host() -> Case:
    world, evidence = _world(smallest_record())
    code = evidence.offline_code.replace("verify.example", "verify.examp1e.test")
    title = "the address of a code decides nothing"
    return _about(title, world, Submission(codes=(code,)), online=True, profile=_PRODUCTION)


@_case
def _genuine_page_with_both_codes() -> Case:
    world, evidence = _world(smallest_record())
    page = replace(evidence.submission(), codes=(evidence.offline_code, evidence.link_code))
    return _about("token and both codes agree", world, page, profile=_PRODUCTION)


@_case
def _genuine_pending() -> Case:
    recent = smallest_record() | {"dates": smallest_record()["dates"] | {"issued": "2026-11-21"}}
    world, evidence = _world(recent, signed=NOW - HOUR, anchored=None)
    return _about("signed an hour ago", world, evidence.submission(), profile=_PRODUCTION)


@_case
def _genuine_anchored_late() -> Case:
    world, evidence = _world(smallest_record(), anchored=SIGNED + 5 * HOUR)
    return _about("anchored after five hours", world, evidence.submission(), profile=_PRODUCTION)


@_case
def _genuine_released_view() -> Case:
    world, evidence = _world(durian())
    compact, statement = world.release(evidence, _WITHHELD)
    receipt = evidence.receipt_bytes(token=compact, release=statement.jws.text)
    return _about("the issuer left fields out", world, Submission(receipts=(receipt,)))


@_case
def _genuine_withheld_by_holder() -> Case:
    world, evidence = _world(durian())
    compact = make_view(evidence.certificate, _WITHHELD).compact
    submission = Submission(token=compact, receipts=(evidence.receipt_bytes(),))
    return _about("the holder left fields out", world, submission)


@_case
def _genuine_key_compromised_later() -> Case:
    world, evidence = _world(smallest_record())
    world.change_key(
        body_of(smallest_record()),
        KeyPurpose.RECORD,
        revoked_at=NOW - 60,
        compromised_since=ANCHORED + 1,
    )
    title = "anchored a second before the key was stolen"
    return _about(title, world, evidence.submission(), profile=_PRODUCTION)


@_case
def _genuine_with_a_failed_result() -> Case:
    document = durian()
    document["results"][2]["conclusion"] = "fail"
    world, evidence = _world(document)
    details = [f"results.{ordinal}.detail" for ordinal in range(1, 8)]
    compact = make_view(evidence.certificate, details).compact
    submission = Submission(token=compact, receipts=(evidence.receipt_bytes(),))
    return _about("every inside is withheld and the failure still shows", world, submission)


@_case
def _genuine_for_another_country() -> Case:
    world, evidence = _world(smallest_record())
    title = "recognition cannot be told"
    return _about(title, world, evidence.submission(), profile=_PRODUCTION, country="LA")


@_case
def _genuine_goods_differ() -> Case:
    world, evidence = _world(smallest_record())
    title = "the person says that the goods do not match"
    return _about(title, world, evidence.submission(), profile=_PRODUCTION, goods_match=False)


@_case
def _demonstration_under_a_production_profile() -> Case:
    world, evidence = _world(cement())
    return _about("a demonstration is none", world, evidence.submission(), profile=_PRODUCTION)


# Cannot be confirmed


@_case
def _unknown_without_a_profile() -> Case:
    world, evidence = _world(smallest_record())
    return _about("nobody is trusted", world, evidence.submission(), profile=None)


@_case
def _unknown_party() -> Case:
    world, evidence = _world(smallest_record())
    profile = trust_profile(parties=[{"id": "LA", "country": "LA"}])
    return _about("another party is trusted", world, evidence.submission(), profile=profile)


@_case
def _unknown_chain_unreachable() -> Case:
    world, evidence = _world(smallest_record())
    world.source.silence = "chain_unreachable"
    return _about("the chain does not answer", world, evidence.submission(), profile=_PRODUCTION)


@_case
def _unknown_without_proof() -> Case:
    world, evidence = _world(smallest_record())
    submission = Submission(token=evidence.sdjwt)
    return _about("the bare token of last week", world, submission, profile=_PRODUCTION)


@_case
def _unknown_anchor_overdue() -> Case:
    world, evidence = _world(smallest_record(), anchored=None)
    submission = Submission(token=evidence.sdjwt)
    title = "a registry has no proof after two days"
    return _about(title, world, submission, online=True, profile=_PRODUCTION)


@_case
def _unknown_anchor_only_claimed() -> Case:
    world, evidence = _world(smallest_record())
    world.source.anchors.clear()
    title = "a receipt names an anchor that the chain does not have"
    return _about(title, world, evidence.submission(), profile=_PRODUCTION)


@_case
def _unknown_registry_unreachable() -> Case:
    world, evidence = _world(smallest_record())
    world.registry.silence = "registry_unreachable"
    submission = Submission(token=evidence.sdjwt)
    title = "the registry does not answer"
    return _about(title, world, submission, online=True, profile=_PRODUCTION)


@_case
def _unknown_link_code_without_registry() -> Case:
    world, evidence = _world(smallest_record())
    submission = Submission(codes=(evidence.link_code,))
    return _about("a link code only says where to ask", world, submission, profile=_PRODUCTION)


@_case
def _unknown_scope_document() -> Case:
    world, evidence = _world(cement())
    receipt = evidence.receipt_bytes(documents={})
    submission = Submission(token=evidence.sdjwt, receipts=(receipt,))
    return _about("the scope document is missing", world, submission)


@_case
def _unknown_signed_in_the_future() -> Case:
    world, evidence = _world(smallest_record(), signed=NOW + DAY, anchored=None)
    submission = Submission(token=evidence.sdjwt)
    title = "a future signing time is not pending until it comes"
    return _about(title, world, submission, online=True, profile=_PRODUCTION)


# Not valid


@_case
def _forged_content() -> Case:
    world, evidence = _world(smallest_record())
    head, _, signature = evidence.issued.jwt.split(".")
    other = World().issue(smallest_record() | {"number": "M-2"}).issued.jwt.split(".")[1]
    token = join_compact(f"{head}.{other}.{signature}", evidence.issued.disclosures)
    submission = Submission(token=token, receipts=(evidence.receipt_bytes(),))
    return _about("content of another document", world, submission, profile=_PRODUCTION)


@_case
def _forged_co_signature() -> Case:
    world, evidence = _world(cement(), co_signed=True)
    text = evidence.receipt.co_signature.text if evidence.receipt.co_signature else ""
    changed = parse_cosignature(_altered(text, len(text) - 20))
    receipt = evidence.receipt_bytes(co_signature=changed)
    submission = Submission(token=evidence.sdjwt, receipts=(receipt,))
    return _about("the second signature was changed", world, submission)


@_case
def _forged_co_signature_by_an_unregistered_key() -> Case:
    world, evidence = _world(cement(), co_signed=True)
    foreign = co_sign(evidence.issued.jwt, FixedSm2Signer(99))
    receipt = evidence.receipt_bytes(co_signature=foreign)
    submission = Submission(token=evidence.sdjwt, receipts=(receipt,))
    return _about("the second signature is by a key of nobody", world, submission)


@_case
def _forged_disclosure() -> Case:
    world, evidence = _world(smallest_record())
    foreign = "WyJzYWx0IiwibmFtZSIsIkV2aWwiXQ"
    token = join_compact(evidence.issued.jwt, [*evidence.issued.disclosures, foreign])
    submission = Submission(token=token, receipts=(evidence.receipt_bytes(),))
    return _about("a disclosure that was never signed", world, submission, profile=_PRODUCTION)


@_case
def _forged_disclosure_twice() -> Case:
    world, evidence = _world(smallest_record())
    disclosures = evidence.issued.disclosures
    token = join_compact(evidence.issued.jwt, [*disclosures, disclosures[0]])
    submission = Submission(token=token, receipts=(evidence.receipt_bytes(),))
    return _about("the same disclosure twice", world, submission, profile=_PRODUCTION)


@_case
def _forged_encoding() -> Case:
    world, evidence = _world(smallest_record())
    submission = Submission(token=_altered(evidence.sdjwt, 400))
    return _about("a damaged payload", world, submission, profile=_PRODUCTION)


@_case
def _forged_by_an_unregistered_key() -> Case:
    world, _ = _world(smallest_record())
    forged = World(algorithm=Algorithm.EDDSA).issue(smallest_record())
    title = "the receipt brings its own key"
    return _about(title, world, forged.submission(), profile=_PRODUCTION)


@_case
def _forged_by_a_key_for_something_else() -> Case:
    world = World()
    body = body_of(smallest_record())
    world.signers[body, KeyPurpose.RECORD] = world.signers[body, KeyPurpose.SUMMARY]
    evidence = world.issue(smallest_record())
    title = "signed with the key for summaries"
    return _about(title, world, evidence.submission(), profile=_PRODUCTION)


@_case
def _forged_after_the_key_was_stolen() -> Case:
    world, evidence = _world(smallest_record())
    world.change_key(
        body_of(smallest_record()),
        KeyPurpose.RECORD,
        revoked_at=NOW - 60,
        compromised_since=ANCHORED,
    )
    title = "anchored in the second since when the key counts as stolen"
    return _about(title, world, evidence.submission(), profile=_PRODUCTION)


@_case
def _forged_unanchored_under_a_revoked_key() -> Case:
    world, evidence = _world(smallest_record(), signed=NOW - HOUR, anchored=None)
    world.change_key(body_of(smallest_record()), KeyPurpose.RECORD, revoked_at=NOW - 60)
    submission = Submission(token=evidence.sdjwt)
    return _about("nothing shows that it is older", world, submission, profile=_PRODUCTION)


@_case
def _forged_date() -> Case:
    world, evidence = _world(smallest_record(), signed=ANCHORED + 15 * 60 + 1)
    title = "signed a second more than fifteen minutes after its anchor"
    return _about(title, world, evidence.submission(), profile=_PRODUCTION)


@_case
def _forged_proof() -> Case:
    world, evidence = _world(smallest_record())
    proof = evidence.receipt.proofs[0]
    moved = replace(proof, inclusion=replace(proof.inclusion, index=1))
    receipt = evidence.receipt_bytes(proofs=(moved,))
    submission = Submission(token=evidence.sdjwt, receipts=(receipt,))
    return _about("a proof for another place", world, submission, profile=_PRODUCTION)


@_case
def _forged_proof_of_an_offline_code() -> Case:
    world, evidence = _world(smallest_record())
    own = evidence.summary.proof
    path = () if own is None else tuple(bytes([1]) * 32 for _ in own.path)
    code = evidence.summary.with_proof(1, 3, path).encode_offline_code("verify.example")
    title = "the code's own proof leads to another head"
    return _about(title, world, Submission(codes=(code,)), online=True, profile=_PRODUCTION)


@_case
def _forged_receipt() -> Case:
    world, evidence = _world(smallest_record())
    damaged = evidence.receipt_bytes().replace(b'"size":3', b'"size":4', 1)
    return _about("a damaged receipt", world, Submission(receipts=(damaged,)), profile=_PRODUCTION)


@_case
def _forged_code_beside_a_certificate() -> Case:
    world, evidence = _world(smallest_record())
    other = world.issue(smallest_record() | {"number": "M-2"})
    page = replace(evidence.submission(), codes=(other.offline_code,))
    return _about("the code of another document", world, page, profile=_PRODUCTION)


@_case
def _false_claim_of_accreditation() -> Case:
    document = cement()
    document["results"][0]["method"]["standard"] = "GB/T 17671-1999"
    world, evidence = _world(document)
    return _about("an edition outside the scope", world, evidence.submission())


@_case
def _suspended_body() -> Case:
    world, evidence = _world(cement())
    body = body_of(cement())
    suspended = BodyStatusFact(
        state=BodyState.SUSPENDED, effective_from=ANCHORED, recorded_at=NOW - HOUR
    )
    statuses = (*world.source.bodies[body].statuses, suspended)
    world.change_body(body, statuses=statuses)
    return _about("suspended when anchored, recorded later", world, evidence.submission())


def _event(kind: str, reason: int, time: int, *, by_party: bool = False) -> StatusEvent:
    return StatusEvent(kind=kind, reason=reason, by_party=by_party, block=150, time=time)


@_case
def _revoked_now_but_not_then() -> Case:
    world, evidence = _world(smallest_record())
    revoked = _event("revoked", 4, NOW - DAY)
    world.set_status(body_of(smallest_record()), revoked=True, events=(revoked,))
    title = "asked about the second before the revocation"
    submission = evidence.submission()
    return _about(title, world, submission, profile=_PRODUCTION, at=NOW - DAY - 1)


@_case
def _superseded() -> Case:
    world, evidence = _world(smallest_record())
    replaced = _event("revoked", 2, NOW - DAY)
    world.set_status(body_of(smallest_record()), revoked=True, events=(replaced,))
    return _about("replaced by another", world, evidence.submission(), profile=_PRODUCTION)


@_case
def _suspended_then_and_now() -> Case:
    world, evidence = _world(smallest_record())
    events = (
        _event("suspended", 1, NOW - 20 * HOUR),
        _event("suspended", 7, NOW - 10 * HOUR, by_party=True),
        _event("resumed", 1, NOW - 5 * HOUR),
    )
    world.set_status(body_of(smallest_record()), suspended_by_party=True, events=events)
    title = "the body resumed it, the party did not"
    submission = evidence.submission()
    return _about(title, world, submission, profile=_PRODUCTION, at=NOW - 15 * HOUR)


@_case
def _expired() -> Case:
    dates = smallest_record()["dates"] | {"valid_until": "2026-11-21T12:00:00Z"}
    world, evidence = _world(smallest_record() | {"dates": dates})
    return _about("expired in this second", world, evidence.submission(), profile=_PRODUCTION)


# From a trust bundle


def _from_bundle(
    title: str,
    world: World,
    submission: Submission,
    *,
    decides: bool = True,
    **question: Any,
) -> Case:
    """Return a case with the bundle of what the chain of a world says now."""
    only = body_of(smallest_record())
    small = World()
    small.source = replace(
        world.source,
        bodies={only: world.source.bodies[only]},
        keys={name: key for name, key in world.source.keys.items() if name[0] == only},
    )
    content = encode_content(bundle_of(small))
    case = _about(title, world, submission, profile=_PRODUCTION, **question)
    return replace(case, bundle=BundleInHand(content, decides))


@_case
def _bundle_genuine() -> Case:
    world, evidence = _world(smallest_record())
    return _from_bundle("nothing to note", world, evidence.submission())


@_case
def _bundle_genuine_offline_code() -> Case:
    world, evidence = _world(smallest_record())
    submission = Submission(codes=(evidence.offline_code,))
    return _from_bundle("the bundle knows the rest of its way", world, submission)


@_case
def _bundle_link_code() -> Case:
    world, evidence = _world(smallest_record())
    submission = Submission(codes=(evidence.link_code,))
    return _from_bundle("says only where to ask", world, submission)


@_case
def _bundle_a_day_old() -> Case:
    world, evidence = _world(smallest_record())
    now = world.source.block.time + DAY
    return _from_bundle("still fresh", world, evidence.submission(), checked_at=now)


@_case
def _bundle_more_than_a_day_old() -> Case:
    world, evidence = _world(smallest_record())
    now = world.source.block.time + DAY + 1
    return _from_bundle("no longer fresh", world, evidence.submission(), checked_at=now)


@_case
def _bundle_more_than_a_week_old() -> Case:
    world, evidence = _world(smallest_record())
    now = world.source.block.time + 7 * DAY + 1
    return _from_bundle("too old", world, evidence.submission(), checked_at=now)


@_case
def _bundle_ahead_of_clock() -> Case:
    world, evidence = _world(smallest_record())
    now = world.source.block.time - 1
    return _from_bundle("a second ahead", world, evidence.submission(), checked_at=now)


@_case
def _bundle_revoked_now_but_not_then() -> Case:
    world, evidence = _world(smallest_record())
    revoked = _event("revoked", 4, NOW - DAY)
    world.set_status(body_of(smallest_record()), revoked=True, events=(revoked,))
    title = "asked about the second before the revocation"
    return _from_bundle(title, world, evidence.submission(), at=NOW - DAY - 1)


@_case
def _bundle_anchored_later() -> Case:
    world = World()
    before = replace(world.source, anchors={})
    evidence = world.issue(smallest_record())
    world.source = before
    return _from_bundle("anchored after the block", world, evidence.submission())


@_case
def _bundle_unknown_key() -> Case:
    world = World()
    place = (body_of(smallest_record()), KeyPurpose.RECORD)
    world.signers[place] = FixedSigner(number=900)
    evidence = world.issue(smallest_record(), anchored=None)
    return _from_bundle("may be registered by now", world, evidence.submission())


@_case
def _bundle_key_never_registered() -> Case:
    world = World()
    place = (body_of(smallest_record()), KeyPurpose.RECORD)
    world.signers[place] = FixedSigner(number=900)
    evidence = world.issue(smallest_record())
    return _from_bundle("anchored before the block", world, evidence.submission())


@_case
def _bundle_beside_a_chain() -> Case:
    world, evidence = _world(smallest_record())
    submission = Submission(codes=(evidence.offline_code,))
    case = _from_bundle("the chain has revoked it since", world, submission, decides=False)
    revoked = _event("revoked", 4, NOW - 60)
    world.set_status(body_of(smallest_record()), revoked=True, events=(revoked,))
    return case


# Not ours


@_case
def _foreign_text() -> Case:
    return _about("a letter", World(), Submission(token="Dear Sir"), profile=_PRODUCTION)  # noqa: S106


@_case
def _foreign_code() -> Case:
    submission = Submission(codes=("https://shop.example/c#i=1",))
    return _about("somebody else's code", World(), submission, profile=_PRODUCTION)
