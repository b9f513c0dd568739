import unittest

from wattboard_device.outage import Outage, parse_retry_after, retry_delay_s


class RetryTest(unittest.TestCase):
    def test_backs_off_with_full_jitter(self) -> None:
        lost = Outage("closed", "")
        for failures, most_s in ((1, 10), (2, 20), (3, 40), (4, 60), (10_000, 60)):
            self.assertAlmostEqual(retry_delay_s(lost, failures, lambda: 0.9999999), most_s, places=3)
            self.assertEqual(retry_delay_s(lost, failures, lambda: 0.0), 1.0)
        self.assertEqual(retry_delay_s(lost, 0, lambda: 0.5), 5.0)

    def test_waits_as_long_as_the_server_asks_and_never_for_hours(self) -> None:
        self.assertEqual(retry_delay_s(Outage("busy", "", 20.0), 9, lambda: 0.0), 20.0)
        self.assertEqual(retry_delay_s(Outage("busy", "", 1e9), 0, lambda: 0.0), 300.0)
        self.assertEqual(retry_delay_s(Outage("busy", "", 0.0), 0, lambda: 0.0), 1.0)

    def test_reads_retry_after(self) -> None:
        self.assertEqual(parse_retry_after(" 12 "), 12.0)
        self.assertEqual(parse_retry_after("Sat, 31 Jan 2026 12:00:10 GMT", lambda: 1_769_860_800.0), 10.0)
        for header in (None, "", "soon", "-1", "1e5", "9" * 400):
            self.assertIsNone(parse_retry_after(header))


if __name__ == "__main__":
    unittest.main()
