"""Reading the text of either code on a page."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.core.code_url import split_code
from verifier.core.link_code import LinkCode, parse_link_code
from verifier.core.offline_code import OFFLINE_KIND, Summary, parse_payload


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineCode:
    """What an offline code says.

    Attributes:
        host: Host of the verifier's pages in the code; says nothing about the evidence.
        summary: The signed summary.
    """

    host: str
    summary: Summary


def parse_code(text: str) -> OfflineCode | LinkCode:
    """Parse the text of a code; its host decides nothing, and a foreign one is worth a warning.

    Raises:
        NotOursError: The text carries no payload of ours.
        LimitExceededError: Larger than the format allows.
        MalformedEvidenceError: The payload breaks the format.
    """
    host, kind, payload = split_code(text)
    if kind == OFFLINE_KIND:
        return OfflineCode(host=host, summary=parse_payload(payload))
    return parse_link_code(text)
