"""Verify test certificates and inspection records without trusting who issued or carried them."""
