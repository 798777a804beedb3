"""How an index comes about and follows its workspace."""
