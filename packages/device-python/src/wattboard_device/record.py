"""How samples lie in a segment of a journal.

A record is a mark, its kind, the length of its body, a sequence number, a checksum and the body. Each stands for itself, so that behind damage the
next mark is looked for, and what follows is good. Samples are compressed with the first one of their segment as dictionary.
"""

from __future__ import annotations

import struct
import zlib
from typing import Iterator, NamedTuple, Optional

MARK = b"\xd7W"
#: Mark, kind, length of the body, seq; the checksum follows.
_HEAD = struct.Struct(">2sBHI")
_CHECKSUM = struct.Struct(">I")
HEAD_BYTES = _HEAD.size + _CHECKSUM.size
#: A sample's record is never shorter.
RECORD_BYTES_MIN = HEAD_BYTES + 8

#: A sample that is the dictionary of those behind it.
FIRST = 1
SAMPLE = 2
#: A process has opened the journal: seq is the next one, the body says whose it is and which start of the machine it was.
OPENED = 3
#: The journal was closed in order.
CLOSED = 4
#: The disk took no more: numbers below seq may be used without standing here.
IN_MEMORY = 5
#: All up to seq was durable; the body says by which epoch, and what is withheld from it.
DURABLE = 6


class Record(NamedTuple):
    kind: int
    seq: int
    body: bytes
    #: Where it ends in the segment, bytes.
    end: int


def encode(kind: int, seq: int, body: bytes, dictionary: bytes = b"") -> bytes:
    """The bytes of a record; `dictionary` is the first sample's text, for a SAMPLE."""
    if kind in (FIRST, SAMPLE):
        packer = (
            zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, dictionary)
            if dictionary
            else zlib.compressobj(9, zlib.DEFLATED, -15, 9)
        )
        body = packer.compress(body) + packer.flush()
    head = _HEAD.pack(MARK, kind, len(body), seq)
    return head + _CHECKSUM.pack(_checksum(head, body, dictionary)) + body


def decode(data: bytes) -> Iterator[Record]:
    """All records that are whole, in their order; what lies between is passed over."""
    dictionary = b""
    at = data.find(MARK)
    while at >= 0:
        record = _decode_at(data, at, dictionary)
        if record is None:
            at = data.find(MARK, at + 1)
            continue
        if record.kind == FIRST:
            dictionary = record.body
        yield record
        at = data.find(MARK, record.end)


def _decode_at(data: bytes, at: int, dictionary: bytes) -> Optional[Record]:
    body_at = at + HEAD_BYTES
    if body_at > len(data):
        return None
    head = data[at : at + _HEAD.size]
    _, kind, length, seq = _HEAD.unpack(head)
    (checksum,) = _CHECKSUM.unpack_from(data, at + _HEAD.size)
    body = data[body_at : body_at + length]
    # A sample without its dictionary fails here as well.
    used = dictionary if kind == SAMPLE else b""
    if len(body) < length or _checksum(head, body, used) != checksum:
        return None
    if kind in (FIRST, SAMPLE):
        unpacker = zlib.decompressobj(-15, used) if used else zlib.decompressobj(-15)
        try:
            body = unpacker.decompress(body)
        except zlib.error:
            return None
    return Record(kind, seq, body, body_at + length)


def _checksum(head: bytes, body: bytes, dictionary: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(head, zlib.crc32(dictionary)))
