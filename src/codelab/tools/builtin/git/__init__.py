"""Tools that work with the project's git repository."""
