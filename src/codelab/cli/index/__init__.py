"""`codelab index`: how far indexes are, and how good their answers are."""
