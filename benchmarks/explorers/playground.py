"""TensorFlow Playground's engine, ``src/nn.ts``, as JavaScript: its types removed, nothing else.

The file is not ours (Copyright 2016 Google Inc., Apache License 2.0) and not part of this
repository: it is read from ``.cache/playground/nn.ts``, or fetched there once, and compared with
the digest of the version that the benchmark was written for.
"""

from __future__ import annotations

import hashlib
import re
import urllib.request
from pathlib import Path

COMMIT = "2c87f3d0eaba40df4174975ed6e35246493dc25c"
SOURCE = f"https://raw.githubusercontent.com/tensorflow/playground/{COMMIT}/src/nn.ts"
DIGEST = "7f0bfbcbb8e756a0c30586faf67e4e97285b7b3af7d2d8181b13f51919af9d03"
KEPT = Path(__file__).resolve().parents[2] / ".cache" / "playground" / "nn.ts"

_TYPE = (
    r"(?:\(node: Node\) => any|string\[\]|number\[\]|Node\[\]\[\]|Node\[\]|Link\[\]|string|number"
    r"|boolean|void|any|Node|Link|ActivationFunction|ErrorFunction|RegularizationFunction)"
)


def source() -> str:
    """Return the text of nn.ts; OSError if it is not here and cannot be fetched."""
    if not KEPT.exists():
        with urllib.request.urlopen(SOURCE, timeout=30) as answer:
            text = answer.read()
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_bytes(text)
    text = KEPT.read_bytes()
    if hashlib.sha256(text).hexdigest() != DIGEST:
        raise OSError(f"{KEPT} is not nn.ts of commit {COMMIT}")
    return text.decode()


def without_types(text: str) -> str:
    """Return nn.ts as an ES module."""
    code = re.sub(r"export interface \w+ \{[^}]*\}\n", "", text)
    code = code.replace("(<any>Math)", "Math").replace("public static", "static")
    code = re.sub(rf"^  \w+: {_TYPE};\n", "", code, flags=re.MULTILINE)
    code = re.sub(rf"(\b\w+)\??: {_TYPE}(?= =|[,)])", r"\1", code)
    return re.sub(rf"\): {_TYPE} \{{", ") {", code)
