"""What a workspace looked like before an agent changed it, and the way back."""
