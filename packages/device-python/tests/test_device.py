import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any

from wattboard_device import Device, DeviceConfigurationError, JournalInUse, Notice
from wattboard_device.journal import Journal


class DeviceTest(unittest.TestCase):
    """The face for scripts, without any server; what goes over the wire is in `tests/conformance`."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.journal = Path(folder.name) / "journal"

    def device(self, **options: Any) -> Device:
        # Nothing listens at the port of discard.
        quiet = {"log": lambda notice: None}
        return Device("ems_001", "token", "http://127.0.0.1:9", journal=self.journal, **{**quiet, **options})

    def test_keeps_what_is_sent_without_a_link_and_never_waits_for_one(self) -> None:
        with self.device() as device:
            threads = [threading.Thread(target=lambda: [device.send({"battery": {"soc": 5}}) for _ in range(50)]) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual((device.counters.kept, device.counters.sent), (200, 0))
            self.assertFalse(device.flush(0.01))
        self.assertEqual(device.status.state, "stopped")
        journal = Journal(self.journal, device_id="ems_001")
        self.assertEqual(len(journal.read(1, 300)), 200)
        journal.close()

    def test_calls_read_whether_there_is_a_link_or_not(self) -> None:
        enough = threading.Event()
        count = 0

        def read() -> Any:
            nonlocal count
            count += 1
            if count > 3:
                enough.set()
            return {"battery": {"soc": count}}

        with self.device(read=read, rate_hz=50) as device:
            self.assertTrue(enough.wait(30))
        self.assertGreaterEqual(device.counters.kept, 3)

    def test_drops_what_no_frame_takes_and_says_so(self) -> None:
        told = []
        with self.device(log=told.append) as device:
            self.assertFalse(device.send({"battery": {"note": "x" * 20_000}}))
        self.assertEqual(device.counters.skipped_too_big, 1)
        self.assertIn("sample_too_big", [notice.code for notice in told])
        self.assertIsInstance(told[0], Notice)

    def test_stops_twice_and_leaves_no_thread(self) -> None:
        before = set(threading.enumerate())
        device = self.device()
        device.start()
        with self.assertRaisesRegex(RuntimeError, "not started"):
            self.device().send({"battery": {"soc": 5}})
        device.stop()
        device.stop()
        self.assertFalse(device.send({"battery": {"soc": 5}}))
        self.assertEqual(set(threading.enumerate()) - before, set())

    def test_a_journal_in_use_is_an_error_of_the_start(self) -> None:
        with self.device():
            with self.assertRaises(JournalInUse):
                self.device().start()
        with self.assertRaises(DeviceConfigurationError):
            Device("ems_001", "", "http://127.0.0.1:9")


if __name__ == "__main__":
    unittest.main()
