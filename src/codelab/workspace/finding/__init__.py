"""Finding files by name and by content, and replacing what was found."""
