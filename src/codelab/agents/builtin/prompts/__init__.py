"""The built-in agents' system prompts, one file an agent and one that all share."""
