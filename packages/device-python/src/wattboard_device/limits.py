"""The limits of the wire contract that a device meets (`packages/protocol/src/limits.ts`)."""

SUBPROTOCOL = "wattboard.v1"
DEFAULT_URL = "http://127.0.0.1:8000"

#: A frame above this many bytes closes the link.
FRAME_BYTES_MAX = 16 * 1024
#: Sustained messages a second of one link; the server drops what is above.
MESSAGES_PER_SECOND = 50
#: Samples in one frame of backfill.
BACKFILL_SAMPLES_MAX = 256
#: Characters of ids and names.
NAME_LENGTH_MAX = 64
#: Characters in a text.
TEXT_LENGTH_MAX = 256
#: The highest number of a sample in a journal.
SEQ_MAX = 2**32 - 1
#: Stretches of a journal that are durable behind a hole.
DURABLE_RANGES_MAX = 32
#: The shortest and the longest lease of a manual mode, ms.
LEASE_MS_MIN = 1_000
LEASE_MS_MAX = 24 * 60 * 60_000

TARGET_MODES = ("AUTO", "MANUAL_CHARGE", "MANUAL_DISCHARGE", "MANUAL_IDLE")
