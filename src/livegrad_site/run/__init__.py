"""What the code of a page gives, and how that is kept."""
