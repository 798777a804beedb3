"""The small program that confines itself with Landlock and then becomes a command.

Its modules import Python's own, small ones only: it starts before each command.
"""
