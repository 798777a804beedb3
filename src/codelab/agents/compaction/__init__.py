"""Making a conversation fit into a model's window."""
