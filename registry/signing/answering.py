"""How a desk of a signer answers: one request at a time, every error as a code."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from registry.kit.errors import RegistryError
from registry.signing.errors import SigningRefusedError
from verifier.core.errors import MalformedEvidenceError
from verifier.core.strict_json import JsonObject

Act = Callable[[JsonObject], JsonObject]


class Answering:
    """Carries out requests by the name of their act; used by many threads, one at a time.

    Args:
        acts: What can be asked for.
    """

    def __init__(self, acts: Mapping[str, Act]) -> None:
        self._acts = acts
        self._lock = threading.Lock()

    def answer(self, request: JsonObject) -> JsonObject:
        """Return the answer to a request: `{"ok": ...}` or `{"error": {...}}`."""
        act = self._acts.get(str(request.get("act")))
        try:
            if act is None:
                raise SigningRefusedError("unknown_act", "the signer does not know this request")
            with self._lock:
                return {"ok": act(request)}
        except RegistryError as error:
            return _problem(error)
        except (MalformedEvidenceError, ValueError) as error:
            return _problem(SigningRefusedError("malformed", f"malformed request: {error}"))


def _problem(error: RegistryError) -> JsonObject:
    reason = error.reason if isinstance(error, SigningRefusedError) else None
    return {"error": {"code": error.code, "reason": reason, "message": str(error)}}
