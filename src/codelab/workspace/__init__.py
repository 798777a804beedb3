"""Project folders: reading, changing, searching and running commands, always inside a root."""
