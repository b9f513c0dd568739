import json
import unittest
from typing import Any, Dict, List

from wattboard_device.delivery import Delivery
from wattboard_device.journal import BYTES_MIN, Journal, Loss


class DeliveryTest(unittest.TestCase):
    """Below the sockets; what goes over the wire is in `tests/conformance/device-sdk`."""

    def setUp(self) -> None:
        self.lost: List[Loss] = []
        self.journal = Journal(None, BYTES_MIN)
        self.delivery = Delivery(self.journal, self.lost.append)
        self.delivery.opened(0.0)

    def keep(self, count: int) -> None:
        for n in range(count):
            self.journal.append(json.dumps({"device_id": "ems_001", "timestamp": "2026-01-31T12:00:00Z", "n": n}))

    def frames(self, now_s: float) -> List[Dict[str, Any]]:
        frames = []
        while True:
            text, _ = self.delivery.next_frame(now_s)
            if text is None:
                return frames
            frames.append(json.loads(text))

    def seqs(self, now_s: float) -> List[int]:
        return [each["seq"] for frame in self.frames(now_s) for each in frame.get("samples", [])]

    def test_a_server_that_gives_a_pace_knows_numbers_however_long_its_store_takes(self) -> None:
        self.assertFalse(self.delivery.numbers(31.0))
        self.delivery.pace(0)
        self.assertTrue(self.delivery.numbers(31.0))
        self.delivery.opened(40.0)
        self.assertFalse(self.delivery.numbers(71.0))

    def test_sends_no_faster_than_the_pace(self) -> None:
        self.keep(500)
        self.delivery.welcome(1, 0, [], 40, 16_384)
        sent = 0
        for tick in range(40):
            sent += len(self.seqs(tick / 4))
            self.delivery.ack(sent, [], tick / 4)
            self.assertLessEqual(sent, 40 * tick / 4 + 10)
        self.assertGreater(sent, 380)

    def test_says_when_to_ask_again(self) -> None:
        self.keep(100)
        self.delivery.welcome(1, 0, [], 8, 16_384)
        self.assertEqual(self.seqs(0.0), [1, 2])
        self.assertEqual(self.delivery.next_frame(0.1), (None, 0.15))

    def test_everything_is_sent_again_after_30_s_without_an_ack(self) -> None:
        self.keep(2)
        self.delivery.welcome(1, 0, [], 8, 16_384)
        self.assertEqual(self.seqs(0.0), [1, 2])
        self.delivery.tick(29.9)
        self.assertEqual(self.seqs(29.9), [])
        self.delivery.tick(30.0)
        self.assertEqual(self.seqs(30.0), [1, 2])

    def test_a_sample_that_the_server_takes_in_no_frame_becomes_a_gap(self) -> None:
        self.journal.append(json.dumps({"device_id": "ems_001", "text": "x" * 900}))
        self.keep(1)
        self.delivery.welcome(1, 0, [], 100, 500)
        frames = self.frames(0.0)
        self.assertEqual([frame["type"] for frame in frames], ["backfill", "gap"])
        self.assertEqual((frames[1]["from_seq"], frames[1]["to_seq"]), (1, 1))
        self.assertEqual([each.first for each in self.lost], [1])

    def test_a_gap_is_told_once_a_link_until_it_is_durable(self) -> None:
        while self.journal.first_seq == 1:
            self.keep(1_000)
        first = self.journal.first_seq
        self.delivery.welcome(1, 0, [], 0, 16_384)
        gap = {"type": "gap", "from_seq": 1, "to_seq": first - 1, "reason": "overflow"}
        times = {"from": "2026-01-31T12:00:00Z", "to": "2026-01-31T12:00:00Z"}
        self.assertEqual(self.frames(0.0), [{**gap, **times}])
        self.assertEqual(self.frames(1.0), [])
        self.delivery.opened(2.0)
        self.delivery.welcome(1, 0, [(1, 10)], 0, 16_384)
        self.assertEqual([each["from_seq"] for each in self.frames(2.0)], [11])
        self.delivery.ack(first - 1, [], 3.0)
        self.delivery.opened(4.0)
        self.delivery.welcome(1, first - 1, [], 0, 16_384)
        self.assertEqual(self.frames(4.0), [])

    def test_samples_of_a_journal_that_was_put_back_get_new_numbers(self) -> None:
        self.keep(3)
        self.assertFalse(self.delivery.welcome(1, 50, [], 100, 16_384))
        frames = self.frames(0.0)
        self.assertEqual([(each["seq"], each["n"]) for each in frames[-1]["samples"]], [(51, 0), (52, 1), (53, 2)])

    def test_is_settled_when_all_is_durable(self) -> None:
        self.keep(3)
        self.assertFalse(self.delivery.is_settled)
        self.delivery.welcome(1, 0, [], 100, 16_384)
        self.seqs(0.0)
        self.delivery.ack(2, [], 0.0)
        self.assertFalse(self.delivery.is_settled)
        self.delivery.ack(3, [], 0.0)
        self.assertTrue(self.delivery.is_settled)


if __name__ == "__main__":
    unittest.main()
