import errno
import json
import os
import random
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List
from unittest import mock

from wattboard_device import journal as journal_module
from wattboard_device.errors import DeviceConfigurationError, JournalInUse
from wattboard_device.journal import BYTES_MIN, UNSYNCED_MAX, Journal
from wattboard_device.segment import SEGMENT_BYTES, Segment


def sample(n: int, noise: int = 0) -> str:
    battery = {"voltage": 53.2 + n % 7 / 10, "current": 10.5, "power": 558.6 + n % 50, "soc": n % 100}
    grid = {"voltage": 230.1, "power": -200.5 - n % 30, "frequency": 50.0}
    timestamp = f"2026-01-31T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}.000Z"
    parts = {"device_id": "ems_001", "timestamp": timestamp, "battery": battery, "grid": grid, "n": n}
    return json.dumps({**parts, **({"noise": os.urandom(noise).hex()} if noise else {})}, separators=(",", ":"))


class JournalTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "journal"
        self.told: List[str] = []

    def open(self, boot: str = "boot-1", **options: Any) -> Journal:
        journal = Journal(self.folder, log=lambda code, message: self.told.append(code), boot=boot, **options)
        self.addCleanup(journal.close)
        return journal

    def abandon(self, journal: Journal) -> None:
        """As kill -9 does: nothing more is written, and the lock is gone."""
        journal._is_closed = True
        journal._lock.release()
        for segment in journal._segments:
            segment.close()

    def files(self) -> List[Path]:
        return sorted(self.folder.glob("*.log"))

    def test_gives_back_what_it_was_given_under_the_same_numbers(self) -> None:
        journal = self.open()
        texts = {journal.append(sample(n)): sample(n) for n in range(2_000)}
        self.assertEqual(list(texts), list(range(1, 2_001)))
        self.assertEqual(journal.read(1, 3_000), texts)
        self.assertEqual(journal.read(700, 702), {seq: texts[seq] for seq in (700, 701, 702)})
        journal.close()
        again = self.open()
        self.assertEqual((again.id, again.first_seq, again.last_seq), (journal.id, 1, 2_000))
        self.assertEqual(again.read(1, 3_000), texts)
        self.assertEqual(again.append(sample(1)), 2_001)
        self.assertEqual(again.take_losses(), [])

    def test_after_kill_9_goes_on_with_the_next_number(self) -> None:
        journal = self.open()
        for n in range(10):
            journal.append(sample(n))
        self.abandon(journal)
        again = self.open()
        self.assertEqual(again.append(sample(10)), 11)
        self.assertEqual(len(again.read(1, 11)), 11)
        self.assertEqual(again.take_losses(), [])

    def test_after_a_loss_of_power_leaves_out_numbers_that_may_have_been_sent(self) -> None:
        journal = self.open(boot="boot-1")
        for n in range(10):
            journal.append(sample(n))
        self.abandon(journal)
        again = self.open(boot="boot-2")
        self.assertEqual(again.append(sample(10)), 11 + UNSYNCED_MAX)
        self.assertEqual([each[:3] for each in again.take_losses()], [(11, 10 + UNSYNCED_MAX, "lost")])

    def test_samples_go_live_only_as_far_as_that_leaves_out(self) -> None:
        journal = self.open()
        for n in range(UNSYNCED_MAX + 1):
            journal.append(sample(n))
        self.assertTrue(journal.may_go_live(UNSYNCED_MAX))
        self.assertFalse(journal.may_go_live(UNSYNCED_MAX + 1))
        while not journal.sync():
            pass
        self.assertTrue(journal.may_go_live(UNSYNCED_MAX + 1))

    def test_a_day_at_one_sample_a_second_fits_and_writes_little(self) -> None:
        journal = self.open()
        written = 0
        write = os.write

        def count(file: int, data: bytes) -> int:
            nonlocal written
            written += len(data)
            return write(file, data)

        with mock.patch("os.write", count):
            for n in range(86_400):
                journal.append(sample(n))
        self.assertEqual(journal.first_seq, 1)
        self.assertLess(sum(path.stat().st_size for path in self.files()), 25_000_000)
        self.assertLess(written / 86_400, 2_000)

    def test_syncs_at_most_once_a_call_and_only_what_is_new(self) -> None:
        journal = self.open()
        with mock.patch("os.fdatasync") as file_sync, mock.patch("os.fsync") as folder_sync:
            for n in range(1_500):
                journal.append(sample(n, noise=30))
                if n % 100 == 0:
                    before = file_sync.call_count + folder_sync.call_count
                    journal.sync()
                    self.assertLessEqual(file_sync.call_count + folder_sync.call_count - before, 1)
            while not journal.sync():
                pass
            before = file_sync.call_count + folder_sync.call_count
            self.assertTrue(journal.sync())
            self.assertEqual(file_sync.call_count + folder_sync.call_count, before)
        self.assertEqual(journal.synced_seq, 1_500)

    def test_when_it_is_full_the_oldest_go_and_are_told_with_their_times(self) -> None:
        journal = self.open(bytes_max=BYTES_MIN)
        texts = {journal.append(text): text for text in (sample(n, noise=100) for n in range(3_000))}
        self.assertLessEqual(sum(path.stat().st_size for path in self.files()), BYTES_MIN)
        first = journal.first_seq
        self.assertGreater(first, 1)
        self.assertEqual(journal.read(1, 3_000), {seq: texts[seq] for seq in range(first, 3_001)})
        times = [json.loads(texts[seq])["timestamp"] for seq in (1, first - 1)]
        self.assertEqual(journal.take_losses(), [(1, first - 1, "overflow", *times)])

    def test_in_memory_is_bounded_as_well(self) -> None:
        journal = Journal(None, bytes_max=BYTES_MIN)
        for n in range(3_000):
            journal.append(sample(n, noise=100))
        self.assertEqual(journal.last_seq, 3_000)
        self.assertGreater(journal.first_seq, 1)
        self.assertEqual(len(journal.read(1, 3_000)), 3_001 - journal.first_seq)
        self.assertFalse(journal.is_durable)

    def test_cut_at_any_byte_loses_a_suffix_and_gives_no_number_twice(self) -> None:
        journal = self.open()
        texts = {journal.append(sample(n)): sample(n) for n in range(60)}
        self.abandon(journal)
        whole = self.files()[0].read_bytes()
        used = len(whole.rstrip(b"\0"))
        chance = random.Random(7)
        for at in [0, 1, used, used - 1, *(chance.randint(0, used) for _ in range(300))]:
            self.files()[0].write_bytes(whole[:at])
            again = self.open()
            found = again.read(1, 60)
            self.assertEqual(found, {seq: texts[seq] for seq in range(1, len(found) + 1)}, f"cut at {at}")
            self.assertGreater(again.append(sample(60)), 60, f"cut at {at}")
            losses = again.take_losses()
            self.assertEqual([(each.first, each.reason) for each in losses], [(len(found) + 1, "damaged")], f"cut at {at}")
            self.abandon(again)

    def test_a_flipped_bit_loses_what_it_hits_and_gives_no_number_twice(self) -> None:
        journal = self.open()
        texts = {journal.append(sample(n)): sample(n) for n in range(60)}
        self.abandon(journal)
        whole = self.files()[0].read_bytes()
        used = len(whole.rstrip(b"\0"))
        chance = random.Random(8)
        for _ in range(300):
            at, bit = chance.randrange(used), 1 << chance.randrange(8)
            self.files()[0].write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
            again = self.open()
            found = again.read(1, 60)
            self.assertEqual(found, {seq: texts[seq] for seq in found}, f"bit {bit} at {at}")
            # The first sample is the dictionary of the others.
            self.assertIn(len(found), (0, 59, 60), f"bit {bit} at {at}")
            self.assertGreater(again.append(sample(60)), 60, f"bit {bit} at {at}")
            self.abandon(again)

    def test_goes_on_in_memory_while_the_disk_is_full_and_comes_back(self) -> None:
        journal = self.open()
        texts = {journal.append(text): text for text in (sample(n, noise=100) for n in range(300))}
        full = OSError(errno.ENOSPC, "No space left on device")
        with mock.patch.object(Segment, "create", side_effect=full):
            texts.update({journal.append(text): text for text in (sample(n, noise=100) for n in range(300, 900))})
            journal.sync()
            self.assertFalse(journal.is_durable)
            self.assertTrue(journal.may_go_live(900))
        self.assertEqual(journal.read(1, 900), texts)
        self.assertIn("journal_failed", self.told)
        journal.sync()
        self.assertTrue(journal.is_durable)
        self.assertIn("journal_recovered", self.told)
        journal.close()
        again = self.open()
        self.assertEqual(again.read(1, 900), texts)
        self.assertEqual(again.append(sample(0)), 901)

    def test_killed_while_the_disk_is_full_gives_no_number_twice(self) -> None:
        journal = self.open()
        with mock.patch.object(Segment, "create", side_effect=OSError(errno.ENOSPC, "full")):
            for n in range(5):
                journal.append(sample(n))
        self.abandon(journal)
        # Not even a first file could be made: it is another journal.
        self.assertNotEqual(self.open().id, journal.id)

    def test_killed_after_the_disk_became_full_leaves_out_the_numbers_of_memory(self) -> None:
        journal = self.open()
        while len(journal._segments) < 2:
            journal.append(sample(1, noise=100))
        with mock.patch.object(Segment, "create", side_effect=OSError(errno.ENOSPC, "full")):
            while journal.is_durable:
                journal.append(sample(1, noise=100))
            for n in range(2_000):
                journal.append(sample(n))
        last = journal.last_seq
        self.abandon(journal)
        again = self.open()
        self.assertEqual(again.id, journal.id)
        self.assertGreater(again.append(sample(0)), last)

    def test_is_refused_to_a_second_one_and_to_another_device(self) -> None:
        journal = self.open(device_id="ems_001")
        journal.append(sample(1))
        with self.assertRaisesRegex(JournalInUse, "in use by another process"):
            self.open(device_id="ems_001")
        journal.close()
        with self.assertRaisesRegex(DeviceConfigurationError, "samples of ems_001, not of ems_002"):
            self.open(device_id="ems_002")
        self.assertEqual(self.open(device_id="ems_001").last_seq, 1)

    def test_names_a_folder_that_cannot_be_used(self) -> None:
        self.folder.write_text("a file")
        with self.assertRaisesRegex(DeviceConfigurationError, "cannot be used"):
            self.open()

    def test_remembers_what_was_durable_and_withholds_it_from_another_registration(self) -> None:
        journal = self.open()
        for n in range(10):
            journal.append(sample(n))
        journal.acknowledge(8, 3)
        journal.close()
        again = self.open()
        self.assertEqual((again.durable_seq, again.epoch, again.withheld_seq), (8, 3, 0))
        again.acknowledge(0, 4)
        self.assertEqual(again.withheld_seq, 8)
        again.close()
        self.assertEqual(self.open().withheld_seq, 8)

    def test_survives_a_first_file_that_says_nothing(self) -> None:
        journal = self.open()
        for n in range(60):
            journal.append(sample(n))
        self.abandon(journal)
        self.files()[0].write_bytes(b"")
        again = self.open()
        self.assertGreater(again.append(sample(1)), 60)
        self.assertEqual(again.id, journal.id)


if __name__ == "__main__":
    unittest.main()
