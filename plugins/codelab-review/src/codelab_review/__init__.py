"""A reviewer for CodeLab: reads the changes of a working tree and says what is wrong with them."""
