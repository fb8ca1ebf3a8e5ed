"""What authorities and administrators do with parties, bodies, scopes and keys."""
