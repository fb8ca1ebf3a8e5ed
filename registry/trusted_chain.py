"""The chain of a trust profile, as this installation reaches it."""

from __future__ import annotations

from registry.settings import EMBEDDED, Settings
from verifier.chain.embedded import EmbeddedChain
from verifier.chain.profile import Profile


def reachable(settings: Settings, profile: Profile) -> Profile:
    """Return the profile with the endpoint of the embedded chain, where that one is configured.

    Raises:
        EvidenceUnavailableError: The embedded chain cannot be started.
    """
    if EMBEDDED not in settings.chain.rpc_urls:
        return profile
    endpoint = EmbeddedChain(settings.embedded_chain).ensure_running()
    return profile.with_endpoints([endpoint.url], quorum=1)
