"""Files cut into pieces that can be found and shown by themselves."""
