"""Shells at which humans sit: in the box of commands, at a terminal of their own."""
