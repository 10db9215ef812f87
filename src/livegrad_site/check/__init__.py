"""Whether a page says what its code gives."""
