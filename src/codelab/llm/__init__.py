"""The one way to models: catalogue, streaming, fallback, usage."""
