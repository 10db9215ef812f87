"""Write a PDF with its small objects together and compressed: a third of what it is otherwise.

A book for screen readers has a hundred thousand of them. pypdf reads such files, but writes each
object by itself.
"""

from __future__ import annotations

import io
import struct
import zlib

from pypdf import PdfWriter
from pypdf.generic import PdfObject, StreamObject

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
TOGETHER = 400  # objects in a stream


def body(item: PdfObject) -> bytes:
    """Return an object as it stands in a file."""
    made = io.BytesIO()
    item.write_to_stream(made)
    return made.getvalue()


def stream(about: str, content: bytes) -> bytes:
    """Return a compressed stream."""
    short = zlib.compress(content, 9)
    head = f"<< {about} /Filter /FlateDecode /Length {len(short)} >>\nstream\n"
    return head.encode() + short + b"\nendstream"


def written(writer: PdfWriter, same: str) -> bytes:
    """Return the file; ``same`` is what it is known by."""
    made = io.BytesIO()
    made.write(HEADER)
    # Of each object its kind, its place in the file or its stream, and its place in that.
    places: dict[int, tuple[int, int, int]] = {0: (0, 0, 65535)}

    def put(number: int, content: bytes) -> None:
        places[number] = (1, made.tell(), 0)
        made.write(b"%d 0 obj\n%b\nendobj\n" % (number, content))

    small: list[tuple[int, bytes]] = []
    for number, item in enumerate(writer._objects, start=1):
        if item is None:
            places[number] = (0, 0, 0)
        elif isinstance(item, StreamObject):
            put(number, body(item))
        else:
            small.append((number, body(item)))
    last = len(writer._objects)
    for begin in range(0, len(small), TOGETHER):
        some = small[begin : begin + TOGETHER]
        last += 1
        starts, at = [], 0
        for index, (number, content) in enumerate(some):
            starts.append(f"{number} {at}")
            at += len(content) + 1
            places[number] = (2, last, index)
        head = (" ".join(starts) + "\n").encode()
        about = f"/Type /ObjStm /N {len(some)} /First {len(head)}"
        put(last, stream(about, head + b"\n".join(content for _, content in some)))
    last += 1
    start = made.tell()
    places[last] = (1, start, 0)
    table = b"".join(struct.pack(">BIH", *places[number]) for number in range(last + 1))
    known = same.encode().hex()
    about = f"/Type /XRef /Size {last + 1} /W [1 4 2] /ID [<{known}> <{known}>]"
    for name, item in (("Root", writer.root_object), ("Info", writer._info)):
        if item is not None and item.indirect_reference is not None:
            about += f" /{name} {item.indirect_reference.idnum} 0 R"
    put(last, stream(about, table))
    made.write(b"startxref\n%d\n%%%%EOF\n" % start)
    return made.getvalue()
