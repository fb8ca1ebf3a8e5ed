"""Certificates and inspection records: import, approval, signing, delivery, views, revocation."""
