"""Settings of every run: how many examples Hypothesis tries, and that time is no verdict."""

from __future__ import annotations

import os
from contextlib import suppress

from hypothesis import settings

with suppress(ImportError):  # absent where the verifier is installed alone
    import registry.anchoring  # noqa: F401  (undoes a recursion limit that would crash JSON parsing)

# The machine decides how long an example takes, so no deadline; `make bench` measures time.
# The quick profile tries the same examples every time; new ones are looked for by the thorough one.
settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
