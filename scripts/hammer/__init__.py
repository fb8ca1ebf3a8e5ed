"""A load that checks its answers: writers issue and revoke, readers verify every receipt.

Everything that the registry acknowledged is remembered here, apart from the registry. Each round of
reading pins one final block and verifies, with the verifier and the checker's own view of the
chain, every receipt as of that block. The first answer that is wrong ends the run.
"""
