"""What a page says: its fences, its sentences, the numbers in them."""
