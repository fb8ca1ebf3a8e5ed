"""Document signers: private keys in a process of their own, behind one interface."""
