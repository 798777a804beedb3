"""Where the vectors of pieces are kept and compared."""
