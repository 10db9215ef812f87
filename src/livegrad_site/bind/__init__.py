"""Bind the built site as a book, on paper and for readers of electronic books."""
