"""Which models there are: the models file, what is found, what they cost and hold."""
