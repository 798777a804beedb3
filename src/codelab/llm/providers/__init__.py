"""The ways to providers: connections, wires, litellm, and what failures mean."""
