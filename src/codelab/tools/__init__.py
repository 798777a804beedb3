"""Tools: checked, prepared, and run in one place only."""
