"""The text of the small language model is what its page says of it."""

import string

from livegrad_lab import tales


def test_the_text_is_short_and_plain():
    text = tales.text()
    assert 3000 < len(text) < 6000
    assert set(text) == set(string.ascii_lowercase) - set("jqz") | set(" ,.\n")
    assert text.count("\n\n") == 11 and not text.startswith("\n") and text.endswith(".\n")


def test_the_text_is_the_same_each_time():
    assert tales.text() == tales.text()
