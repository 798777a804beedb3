"""What a command line runs and touches, and what rules say of it."""
