"""What an author calls: each module is a program."""
