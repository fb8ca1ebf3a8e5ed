"""Sources of trust: profile, chain and registry access."""
