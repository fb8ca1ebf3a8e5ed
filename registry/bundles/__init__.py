"""Trust bundles for verification without a network: published, and what they are made from."""
