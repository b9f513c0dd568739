"""What happened since the start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counters:
    """Only ever grow."""

    #: Links that opened.
    links: int = 0
    #: Samples that went into the journal.
    kept: int = 0
    #: Samples that went out as they were measured.
    sent: int = 0
    #: Samples that went out later.
    backfilled: int = 0
    #: Samples dropped since they were larger than the wire contract allows.
    skipped_too_big: int = 0
    #: Samples that were not acknowledged and are gone: the journal was full, or damaged.
    lost: int = 0
    #: Samples that came to the server and were refused there, or of which something was left out, as far as it has told.
    refused: int = 0
    #: Readings left out since the last `read` had not finished.
    skipped_reading: int = 0
    #: Calls of `read` that raised.
    read_failures: int = 0
    #: Commands received; those that came again not counted.
    commands: int = 0
    #: Commands whose handler raised.
    command_failures: int = 0
    #: Frames from the server that are no frames.
    malformed_frames: int = 0
    #: Samples of other devices that came.
    peer_samples: int = 0
