"""Agents: which one works, what it is shown, and one turn from the request to the answer."""
