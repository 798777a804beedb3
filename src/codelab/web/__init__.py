"""An edge: serves the built browser interface, whose source is the top-level folder web/."""
