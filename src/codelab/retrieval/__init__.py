"""Finding the right code: an index of each workspace, its ranking, and what asks it."""
