"""Version control as people use it: what git knows of a workspace, and what they change of it."""
