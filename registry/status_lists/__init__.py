"""Published status lists: signed copies of what the ledger says about a body's certificates."""
