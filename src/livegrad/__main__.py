"""``python -m livegrad``: the doctor from a shell."""

from __future__ import annotations

import sys

from livegrad.doctor._command import main

if __name__ == "__main__":
    sys.exit(main())
