"""The evidence format of `docs/evidence-format.md`: parsing, hashing, signing. No I/O, no clock."""
