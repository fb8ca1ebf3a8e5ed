"""National authorities: the parties whose word about bodies the others rely on."""
