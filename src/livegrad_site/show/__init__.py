"""What a reader sees of it."""
