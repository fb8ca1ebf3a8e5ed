"""Certificates from tables: CSV and XLSX, one row per result, and the template for them."""
