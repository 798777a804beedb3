"""Sessions and their turns: the append-only log, the turn as a state machine, the lease."""
