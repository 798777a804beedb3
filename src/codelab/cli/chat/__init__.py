"""`codelab chat`: the terminal client of a running server."""
