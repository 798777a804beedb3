"""The ways to a model that `bench gateway` compares, and how they are measured."""
