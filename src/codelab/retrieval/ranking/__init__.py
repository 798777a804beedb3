"""What a question and a file have in common, as numbers; pure."""
