"""People, roles and tokens over HTTP. The rules are those of `registry.access`."""
