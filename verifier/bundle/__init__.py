"""Trust bundles: everything that a verifier asks the chain for, at one block, in one file."""
