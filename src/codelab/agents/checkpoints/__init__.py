"""Keeping what a project was, and going back to it."""
