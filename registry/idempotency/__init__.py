"""Requests that may be sent again: the answer is stored in the transaction of the effect."""
