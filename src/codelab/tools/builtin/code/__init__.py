"""What tools know of code: whether it may be written, and what imports what."""
