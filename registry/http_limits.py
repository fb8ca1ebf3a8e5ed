"""How many bytes a request may carry, and how often one address may ask, by where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from registry.certificates.importers import MAX_IMPORT_BYTES
from registry.kit.forms import MULTIPART
from registry.kit.rate_limit import Allowance
from registry.settings import HttpSettings
from registry.verifications.schemas import limit_of as limit_of_verification
from verifier.core.limits import MAX_PDF_BYTES

IMPORT_PATHS: Final = frozenset({"/v1/certificates/imports", "/desk/import"})
SIGN_IN_PATHS: Final = ("/sign-in", "/v1/sessions")
_FORM_OVERHEAD: Final = 64 * 1024  # boundaries, headers and the fields beside a file


def limit_of(path: str, media_type: str) -> int:
    """Return how many bytes a request body may have.

    Args:
        path: Where it is sent.
        media_type: What it claims to be, "" where it does not say.
    """
    if path in IMPORT_PATHS:
        return MAX_IMPORT_BYTES + _FORM_OVERHEAD
    if media_type == MULTIPART:
        return MAX_PDF_BYTES + _FORM_OVERHEAD
    return limit_of_verification(media_type)


def allowances_of(settings: HttpSettings) -> Mapping[str, Allowance]:
    """Return how often one address may ask: by path, "" for all others."""
    sign_in = Allowance(burst=settings.sign_ins_per_minute, per_minute=settings.sign_ins_per_minute)
    usual = Allowance(burst=settings.request_burst, per_minute=settings.requests_per_minute)
    return {"": usual, **dict.fromkeys(SIGN_IN_PATHS, sign_in)}
