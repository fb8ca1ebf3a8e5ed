"""Acts that cannot be undone: revoking many certificates at once, erasing content for good."""
