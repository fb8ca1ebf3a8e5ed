"""Standards, their correspondence and statements of conformity: knowledge without a database."""
