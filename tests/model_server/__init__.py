"""A scripted stand-in for OpenAI, Anthropic and Ollama, reached over HTTP like the real ones."""
