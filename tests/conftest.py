"""Settings of every test run: how many examples Hypothesis tries, and that time is no verdict."""

from __future__ import annotations

import os

from hypothesis import settings

# The machine decides how long an example takes, so no deadline; `make bench` measures time.
settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
