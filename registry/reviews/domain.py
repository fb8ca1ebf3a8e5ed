"""Where a draft stands between its maker and its approver. Pure."""

from __future__ import annotations

from enum import StrEnum


class ReviewAct(StrEnum):
    """What somebody did with a draft."""

    RETURN = "return"  # the approver sends it back, with remarks
    SUBMIT = "submit"  # the maker hands it in again, with an answer
