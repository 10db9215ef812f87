"""``python -m livegrad``: what there is to call from a shell."""

from __future__ import annotations

import importlib
import sys

# By name: the laboratory, which checks answers, is a package that this one must not need.
VERBS = {
    "examine": ("livegrad.doctor._command", "examine a model on a sample of its data"),
    "check": ("livegrad_lab.problems._command", "grade a file against a problem of the sheets"),
}


def main(arguments: list[str]) -> int:
    """Run a verb and return its exit status; without one, say what there is."""
    verb = arguments[0] if arguments else ""
    if verb not in VERBS:
        asked = verb in ("-h", "--help")
        lines = ["usage: python -m livegrad VERB ...", ""]
        lines += [f"  {name:9} {what}" for name, (_, what) in VERBS.items()]
        lines += ["", "python -m livegrad VERB --help says what each takes."]
        if verb and not asked:
            lines.insert(0, f"livegrad: no verb {verb!r}")
        print("\n".join(lines), file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    module = importlib.import_module(VERBS[verb][0])
    # The doctor's command reads its verb itself.
    return int(module.main(arguments if verb == "examine" else arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
