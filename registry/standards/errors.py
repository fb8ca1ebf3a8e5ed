"""Errors of the standards catalogue in the database."""

from __future__ import annotations

from collections.abc import Sequence

from registry.kit.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from standards_catalog.importers.report import Issue

_SHOWN_ISSUES = 3


class StandardNotFoundError(NotFoundError):
    """The catalogue holds no such standard.

    Attributes:
        near: Codes of the catalogue that look like it, nearest first.
    """

    code = "standard_not_found"

    def __init__(self, asked: str, *, near: Sequence[str] = ()) -> None:
        hint = f"; near: {', '.join(near)}" if near else ""
        super().__init__(f"not in the catalogue: {asked[:80]!r}{hint}")
        self.near = tuple(near)


class UnusableFilterError(InvalidInputError):
    """A filter of a search has a value that nothing can have."""

    code = "search_filter_unusable"


class UnusableCursorError(InvalidInputError):
    """A cursor was not made by this search, or by a search for something else."""

    code = "search_cursor_unusable"


class SearchTooCostlyError(UnavailableError):
    """The search was given up because it took too long; narrower words help."""

    code = "search_too_costly"


class CatalogueImportRefusedError(InvalidInputError):
    """Nothing was imported, because something is wrong with the file.

    Attributes:
        issues: Every objection, in the order of the file.
    """

    code = "standards_import_refused"

    def __init__(self, source: str, issues: Sequence[Issue]) -> None:
        shown = "; ".join(
            f"row {issue.row} {issue.column}".rstrip() + f": {issue.message} [{issue.code}]"
            for issue in issues[:_SHOWN_ISSUES]
        )
        rest = len(issues) - _SHOWN_ISSUES
        super().__init__(f"{source}: {shown}" + (f"; and {rest} more" if rest > 0 else ""))
        self.issues = tuple(issues)


class ReleaseUnchangedError(ConflictError):
    """The catalogue is what the newest release already says."""

    code = "release_unchanged"


class ReleaseNotFoundError(NotFoundError):
    """There is no release with this number."""

    code = "release_not_found"


class ReleaseDiffersError(ConflictError):
    """The stored content of a release no longer has its digest."""

    code = "release_differs"


class EvaluationRequestError(InvalidInputError):
    """The body of an evaluation is no strict JSON, or asks for too much at once."""

    code = "evaluation_malformed"
