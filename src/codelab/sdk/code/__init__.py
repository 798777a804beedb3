"""Reads source code for tools and editors: its problems, and what it imports."""
