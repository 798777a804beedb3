"""The box around a command: what it can see and do, how it runs and how it ends."""
