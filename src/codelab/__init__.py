"""CodeLab: a self-hosted AI development environment."""

__version__ = "0.1.0"

__all__ = ["__version__"]
