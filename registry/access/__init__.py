"""People and machine clients, what they may do for whom, and how they prove who they are."""
