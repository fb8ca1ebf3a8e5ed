"""Errors of verification requests. A verdict is never an error."""

from __future__ import annotations

from registry.kit.errors import InvalidInputError


class MalformedQuestionError(InvalidInputError):
    """The request asks for nothing, or for something that cannot be asked."""

    code = "malformed_question"
