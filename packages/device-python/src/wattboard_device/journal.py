"""A device's numbered samples, kept until there is no more room for them."""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
import zlib
from bisect import bisect_right
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Union

from .errors import DeviceConfigurationError
from .folder_lock import FolderLock
from .limits import SEQ_MAX
from .record import CLOSED, DURABLE, FIRST, IN_MEMORY, OPENED, RECORD_BYTES_MIN, SAMPLE, Record, decode, encode
from .segment import SEGMENT_BYTES, Segment

#: A day at one sample a second of up to 270 bytes compressed.
BYTES_DEFAULT = 25_000_000
BYTES_MIN = 4 * SEGMENT_BYTES
#: Samples that may be on their way to the server and not on the disk yet. After a loss of power so many numbers are left out, so that none is used twice.
UNSYNCED_MAX = 128
#: Numbers that are set aside when the disk takes no more.
IN_MEMORY_STEP = 2**20

_NAME = re.compile(r"([0-9a-f]{16})-(\d{10})\.log")


class Loss(NamedTuple):
    """Numbers whose samples the journal does not hold any longer, or never did."""

    first: int
    last: int
    #: overflow, lost, damaged
    reason: str
    #: RFC 3339, when the first and the last of them were measured; None where that is not known.
    measured_from: Optional[str] = None
    measured_to: Optional[str] = None


class Journal:
    """Samples `first_seq` to `last_seq` under the id that was made with them; in a folder, or in memory (`folder` None).

    `bytes_max` bounds folder or memory; when it is reached the oldest go, whether they are stored or not, and `take_losses` tells. Each sample is handed
    to the system as it is appended, so that it outlives the process; `sync`, called about once a second, makes it outlive a loss of power.
    A disk that takes no more is told by `log`, and replaced by memory until it does again. May be used by several threads.

    Raises DeviceConfigurationError for a folder that cannot be used, JournalInUse for one that somebody has.
    """

    def __init__(
        self,
        folder: Optional[Path],
        bytes_max: int = BYTES_DEFAULT,
        device_id: str = "",
        log: Callable[[str, str], None] = lambda code, message: None,
        boot: Optional[str] = None,
    ) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self._log = log
        self._device_id = device_id
        self._boot = _boot_id() if boot is None else boot
        self._mutex = threading.RLock()
        #: Oldest first; samples go to the last.
        self._segments: List[Segment] = []
        #: Of the last segment, by seq; what was read last of the others.
        self._texts: Dict[int, str] = {}
        self._cached: Tuple[Optional[Segment], Dict[int, str]] = (None, {})
        self._dictionary = b""
        self._losses: List[Loss] = []
        #: What has to be synced, in this order: segments, and the folder itself.
        self._unsynced: List[Union[Segment, Path]] = []
        #: Numbers below this are set aside for samples that are in memory alone.
        self._set_aside = 0
        self._next = 1
        #: What was durable last, and by which epoch of the server's; None if nothing was.
        self.durable_seq, self.epoch = 0, None  # type: int, Optional[int]
        #: Samples up to here were stored for an earlier registration, and are not for the present one.
        self.withheld_seq = 0
        self._is_state_written = True
        self._is_closed = False
        self.id = secrets.token_hex(8)
        if folder is not None:
            self._open(folder)
        self.synced_seq = self.last_seq

    @property
    def first_seq(self) -> int:
        """Of the oldest sample; of the next one to come if there is none."""
        with self._mutex:
            return self._segments[0].first_seq if self._segments else self._next

    @property
    def last_seq(self) -> int:
        return self._next - 1

    @property
    def is_durable(self) -> bool:
        """Whether samples are on a disk, and not in memory alone."""
        with self._mutex:
            return self._folder is not None and all(each.path for each in self._segments)

    def may_go_live(self, seq: int) -> bool:
        """False where so many are not synced that after a loss of power the number could be used a second time: it goes later, as backfill."""
        return seq <= max(self.synced_seq + UNSYNCED_MAX, self._set_aside) or self._folder is None

    def append(self, text: str) -> int:
        """Keeps a sample, a JSON text, and gives its seq."""
        with self._mutex:
            seq, body = self._next, text.encode()
            if seq > SEQ_MAX:
                raise OverflowError("The journal has used up its numbers: remove its folder, and a new one begins.")
            active = self._segments[-1] if self._segments else None
            record = self._encode(seq, body)
            if active is None or not active.has_room(len(record)):
                active = self._begin_segment(seq)
                record = self._encode(seq, body)
            try:
                active.write(record)
            except OSError as error:
                active = self._begin_in_memory(seq, error)
                active.write(self._encode(seq, body))
            self._dictionary = self._dictionary or body
            self._texts[seq] = text
            self._next += 1
            self._mark_unsynced(active)
            return seq

    def read(self, first: int, last: int) -> Dict[int, str]:
        """The samples of `first` to `last` by seq; those that are missing are lost or damaged."""
        with self._mutex:
            found: Dict[int, str] = {}
            at = max(0, bisect_right([each.first_seq for each in self._segments], first) - 1)
            for segment in self._segments[at:]:
                if segment.first_seq > last:
                    break
                texts = self._texts_of(segment)
                found.update((seq, texts[seq]) for seq in range(max(first, segment.first_seq), last + 1) if seq in texts)
            return found

    def skip_to(self, seq: int) -> None:
        """Leaves out the numbers up to this one: the server has other samples under them."""
        with self._mutex:
            if seq >= self._next:
                self._next = seq + 1
                self._begin_segment(self._next)

    def acknowledge(self, durable_seq: int, epoch: int) -> None:
        """All up to this one is durable. Under another epoch than before, it is for another registration: what the earlier one had is withheld from it."""
        with self._mutex:
            if self.epoch is not None and self.epoch != epoch:
                self.withheld_seq = max(self.withheld_seq, self.durable_seq)
            if (durable_seq, epoch) != (self.durable_seq, self.epoch):
                self.durable_seq, self.epoch = durable_seq, epoch
                self._is_state_written = False

    def take_losses(self) -> List[Loss]:
        """What was lost since this was called last."""
        with self._mutex:
            losses, self._losses = self._losses, []
            return losses

    def sync(self) -> bool:
        """Makes one step towards having all on the disk, at most one fsync; True where nothing is left to do. Waits for the disk."""
        with self._mutex:
            self._leave_memory()
            self._write_state()
            target = self._unsynced[0] if self._unsynced else None
            end = target.end if isinstance(target, Segment) else 0
            seq = self._next - 1
        try:
            if isinstance(target, Segment):
                target.sync()
            elif target is not None:
                _sync_folder(target)
        except OSError as error:
            self._log("journal_failed", f"The disk does not take the journal: {error}.")
        with self._mutex:
            if target is not None and self._unsynced[:1] == [target]:
                is_last = self._segments[-1:] == [target]
                if not isinstance(target, Segment) or target.end == end:
                    del self._unsynced[0]
                if isinstance(target, Segment) and not is_last:
                    target.close()
                if is_last:
                    self.synced_seq = seq
            return not self._unsynced

    def close(self) -> None:
        """Has all on the disk, and lets others open it. May be called twice."""
        with self._mutex:
            if self._folder is None or self._is_closed:
                return
            self._is_closed = True
            self._leave_memory()
            self._write_state()
            try:
                if self._segments and self.is_durable:
                    self._segments[-1].write(encode(CLOSED, self._next, b""))
                    self._mark_unsynced(self._segments[-1])
            except OSError:
                pass  # The next start takes it for one that was not closed.
            for _ in range(len(self._unsynced)):
                self.sync()
            for segment in self._segments:
                segment.close()
            self._lock.release()

    # Opening

    def _open(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(folder)
        except OSError as error:
            raise DeviceConfigurationError(
                [f"The journal {folder} cannot be used ({error}): name another folder, or journal=':memory:'."]
            ) from None
        found = sorted(
            (int(match[2]), match[1], path) for path in folder.iterdir() for match in [_NAME.fullmatch(path.name)] if match
        )
        if not found:
            return
        self.id = found[-1][1]
        self._segments = [Segment(first, path) for first, id_, path in found if id_ == self.id]
        try:
            self._resume(self._segments[-1])
        except DeviceConfigurationError:
            self._lock.release()
            raise

    def _resume(self, last: Segment) -> None:
        """Goes on behind what the newest segment holds. Numbers that may have been used, and are not there, are left out and told as a loss."""
        data = last.read()
        records = list(decode(data))
        end = records[-1].end if records else 0
        # A file is made at full length with zeros in it: anything else was a record, and what is cut off may have been.
        torn_bytes = len(data[end:].rstrip(b"\0")) if len(data) == SEGMENT_BYTES else SEGMENT_BYTES - end
        if _was_closed(records):
            torn_bytes = 0
        self._read_state(records)
        seqs = [each.seq - (each.kind not in (FIRST, SAMPLE)) for each in records if each.kind not in (IN_MEMORY, DURABLE)]
        known = max([last.first_seq - 1, *seqs])
        used = known
        if torn_bytes or not (_was_closed(records) or _is_boot(records, self._boot)):
            used += UNSYNCED_MAX + torn_bytes // RECORD_BYTES_MIN
        used = max([used, *(each.seq - 1 for each in records if each.kind == IN_MEMORY and known < each.seq - 1)])
        if used > known:
            self._losses.append(Loss(known + 1, used, "damaged" if torn_bytes else "lost"))
        if torn_bytes:
            self._log("journal_damaged", f"The journal's end was torn; what was behind sample {known} is left out.")
        self._next = used + 1
        firsts = [each.body for each in records if each.kind == FIRST]
        self._dictionary = firsts[-1] if firsts else b""
        self._texts = {each.seq: each.body.decode() for each in records if each.kind in (FIRST, SAMPLE)}
        opened = self._opened(self._next)
        try:
            last.reopen(end)
            if last.has_room(len(opened)):
                last.write(opened)
                self._mark_unsynced(last)
            else:
                self._begin_segment(self._next)
        except OSError as error:
            self._begin_in_memory(self._next, error)

    def _read_state(self, records: List[Record]) -> None:
        for record in records:
            if record.kind == DURABLE:
                self.durable_seq = record.seq
                self.epoch, self.withheld_seq = map(int, record.body.split())
            elif record.kind == OPENED and record.body.split()[0].decode() not in ("-", self._device_id or "-"):
                owner = record.body.split()[0].decode()
                raise DeviceConfigurationError(
                    [f"The journal {self._folder} holds the samples of {owner}, not of {self._device_id}: name another folder."]
                )

    # Segments

    def _opened(self, seq: int) -> bytes:
        return encode(OPENED, seq, f"{self._device_id or '-'} {self._boot}".encode())

    def _state(self) -> bytes:
        return encode(DURABLE, self.durable_seq, f"{self.epoch} {self.withheld_seq}".encode())

    def _write_state(self) -> None:
        if self._is_state_written or not self._segments or not self.is_durable:
            return
        active, state = self._segments[-1], self._state()
        if active.has_room(len(state)):
            try:
                active.write(state)
                self._mark_unsynced(active)
            except OSError:
                return  # It will be told with the next sample.
        self._is_state_written = True

    def _encode(self, seq: int, body: bytes) -> bytes:
        return encode(SAMPLE if self._dictionary else FIRST, seq, body, self._dictionary)

    def _begin_segment(self, seq: int) -> Segment:
        self._make_room(SEGMENT_BYTES)
        segment = Segment(seq)
        if self._folder is not None and self.is_durable:
            try:
                segment.create(self._path_of(seq))
            except OSError as error:
                return self._begin_in_memory(seq, error)
        return self._go_on_in(segment)

    def _go_on_in(self, segment: Segment) -> Segment:
        self._segments.append(segment)
        self._texts, self._dictionary = {}, b""
        segment.write(self._opened(segment.first_seq))
        if self.epoch is not None:
            segment.write(self._state())
        if segment.path is not None and self._folder is not None:
            self._unsynced += [self._folder, segment]
        return segment

    def _begin_in_memory(self, seq: int, error: OSError) -> Segment:
        """The disk takes no more: marks in the room that was kept for it that numbers are used which do not stand there."""
        self._log("journal_failed", f"The disk does not take the journal ({error}); it goes on in memory.")
        on_disk = [each for each in self._segments if each.path is not None]
        if seq + IN_MEMORY_STEP // 2 > self._set_aside and on_disk:
            try:
                on_disk[-1].write(encode(IN_MEMORY, seq + IN_MEMORY_STEP, b""))
                self._mark_unsynced(on_disk[-1])
            except OSError:
                pass  # A disk that takes nothing at all. What it loses will be told by the numbers that are missing.
            self._set_aside = seq + IN_MEMORY_STEP
        if self._segments and self._segments[-1].first_seq == seq:
            self._forget(self._segments.pop())
        return self._go_on_in(Segment(seq))

    def _leave_memory(self) -> None:
        """Moves to the disk, once it takes them again, the segments that had to stay in memory."""
        if self._folder is None or self.is_durable:
            return
        try:
            for segment in self._segments:
                if segment.path is None:
                    self._make_room(SEGMENT_BYTES - segment.bytes_taken)
                    segment.create(self._path_of(segment.first_seq))
                    self._unsynced += [self._folder, segment]
        except OSError:
            return
        self._set_aside = 0
        self._log("journal_recovered", "The disk takes the journal again.")

    def _make_room(self, length: int) -> None:
        """Drops the oldest until there is room for so many bytes."""
        while len(self._segments) > 1 and sum(each.bytes_taken for each in self._segments) + length > self._bytes_max:
            oldest, following = self._segments[:2]
            times = [_time_of(text) for text in self._texts_of(oldest).values()] or [None]
            loss = Loss(oldest.first_seq, following.first_seq - 1, "overflow", times[0], times[-1])
            before = self._losses[-1] if self._losses else None
            if before and before.reason == loss.reason and before.last == loss.first - 1:
                loss = loss._replace(first=self._losses.pop().first, measured_from=before.measured_from)
            self._losses.append(loss)
            self._forget(self._segments.pop(0))

    def _forget(self, segment: Segment) -> None:
        self._unsynced = [each for each in self._unsynced if each is not segment]
        self._cached = (None, {})
        try:
            segment.remove()
        except OSError:
            pass  # A disk that cannot even delete will not take what comes, which is told there.

    def _texts_of(self, segment: Segment) -> Dict[int, str]:
        if segment is self._segments[-1]:
            return self._texts
        if self._cached[0] is not segment:
            self._cached = (segment, segment.texts())
        return self._cached[1]

    def _mark_unsynced(self, segment: Segment) -> None:
        if segment.path is not None and segment not in self._unsynced:
            self._unsynced.append(segment)

    def _path_of(self, seq: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{self.id}-{seq:010d}.log"


def _was_closed(records: List[Record]) -> bool:
    return bool(records) and records[-1].kind == CLOSED


def _is_boot(records: List[Record], boot: str) -> bool:
    """Whether the machine has not been started since: then the system has written all that it was handed."""
    opened = [each.body for each in records if each.kind == OPENED]
    return bool(opened) and boot != "" and opened[-1].endswith(b" " + boot.encode())


def _boot_id() -> str:
    """Another one after each start of the machine; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # NTFS keeps names by itself, and opens no folder.
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _time_of(text: str) -> Optional[str]:
    sample: Any = json.loads(text)
    timestamp = sample.get("timestamp")
    return timestamp if isinstance(timestamp, str) else None
