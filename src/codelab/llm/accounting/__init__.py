"""What calls have used and cost."""
