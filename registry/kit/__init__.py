"""What every domain of the registry stands on: database session, errors, clock, identifiers."""
