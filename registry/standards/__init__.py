"""The standards catalogue in the database: search, editions, facts, imports and releases."""
