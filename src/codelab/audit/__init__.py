"""The audit log: who did what, when, from where; written once, never changed."""
