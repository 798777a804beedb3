"""Tests of the scripted model server: its bytes are what the real providers send."""
