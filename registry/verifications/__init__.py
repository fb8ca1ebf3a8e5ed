"""Verification over HTTP, for checkers who choose to trust this registry's reading of the chain."""
