"""The audit trail: every act, in order, each row bound to the one before it."""
