"""The leaf layer: small building blocks that know nothing of CodeLab's modules."""
