"""The five agents that come with CodeLab; they use the same contracts as anybody's plugin."""
