"""A tiny model that runs on this machine, for trying CodeLab without a key."""
