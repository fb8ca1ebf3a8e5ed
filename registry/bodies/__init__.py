"""Conformity assessment bodies: registration, accredited scope, signing keys."""
