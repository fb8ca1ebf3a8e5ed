"""Errors of certificates and inspection records."""

from __future__ import annotations

from registry.kit.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    RuleViolationError,
)


class CertificateNotFoundError(NotFoundError):
    """There is no such certificate."""

    code = "certificate_not_found"


class NumberTakenError(ConflictError):
    """The body has a certificate of this number and revision already."""

    code = "number_taken"


class WrongStateError(ConflictError):
    """The act does not fit the state of the certificate."""

    code = "wrong_state"


class MakerIsApproverError(RuleViolationError):
    """Nobody approves what he made himself."""

    code = "maker_is_approver"


class DeliveryMismatchError(RegistryError):
    """What would be delivered is not what was approved; nothing was stored.

    This is a defect or an attack, never a mistake of the person at the desk.
    """

    code = "delivery_mismatch"


class NothingToWithholdError(InvalidInputError):
    """A view names a field that the certificate does not have or that is always visible."""

    code = "nothing_to_withhold"


class AlreadyRevokedError(ConflictError):
    """The certificate is revoked already; a revocation is never taken back."""

    code = "already_revoked"


class ContentErasedError(ConflictError):
    """The disclosures of the certificate were erased; it cannot be delivered any more."""

    code = "content_erased"


class ReceiptNotFoundError(NotFoundError):
    """Nothing that was issued here has the leaf."""

    code = "receipt_not_found"


class YearNotClosedError(RuleViolationError):
    """Contents leave the database by whole years, and this one is not over."""

    code = "year_not_closed"
