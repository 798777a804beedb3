"""OpenAI's interface, as other programs use it here."""
