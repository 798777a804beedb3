"""Who somebody is, and how they prove it: users, passwords, tokens, tickets."""
