"""What tools know of code: its syntax, and what imports what."""
