"""What an author calls: each module is a program."""

import os

from livegrad_site.run import machine

# Before any of them imports NumPy.
os.environ.update(machine.environment())
