"""One module per line of the verdict: pure functions from facts to findings."""
