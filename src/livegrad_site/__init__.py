"""The machinery of the site: runs the pages, compares them with what they say, and shows them.

It is no part of what is published: neither the wheel nor the sdist has it. README.md beside this
file follows one page through it.
"""
