"""Data files of the catalogue; `docs/standards-sources.md` names where each fact comes from."""
