import os
import unittest
from pathlib import Path
from unittest import mock

from wattboard_device import DeviceConfigurationError, Options


class OptionsTest(unittest.TestCase):
    def test_come_from_the_environment(self) -> None:
        env = {"DEVICE_ID": "ems_001", "API_TOKEN": "wb_1\n", "WATTBOARD_URL": "https://example.org/board/", "HOME": "/home/pi"}
        with mock.patch.dict(os.environ, env, clear=True):
            options = Options()
            self.assertEqual(options.token, "wb_1")
            self.assertEqual(options.address, "wss://example.org/board/ws/device/ems_001")
            self.assertEqual(options.journal_folder, Path("/home/pi/.local/state/wattboard-device/ems_001"))

    def test_take_the_address_of_the_door_as_it_stands_in_the_seeds(self) -> None:
        options = Options("ems_001", "t", "wss://api.your-domain.com/ws/device/ems_001")
        self.assertEqual(options.address, "wss://api.your-domain.com/ws/device/ems_001")

    def test_name_everything_that_is_wrong_at_once(self) -> None:
        with mock.patch.dict(os.environ, {}, clear=True):
            with self.assertRaises(DeviceConfigurationError) as raised:
                Options("a b", "", "ftp://x", rate_hz=0, journal_bytes=5)
        self.assertEqual(len(raised.exception.problems), 5)

    def test_refuse_addresses_that_are_no_base(self) -> None:
        for url in ("http://u:p@host", "http://host?x=1", "http://host#x", "host:80", "http://", "http://[", "http://host:99999"):
            with self.assertRaises(DeviceConfigurationError, msg=url):
                Options("ems_001", "t", url)

    def test_know_where_a_token_goes_in_the_clear(self) -> None:
        self.assertTrue(Options("a", "t", "http://example.org").sends_token_in_the_clear)
        self.assertFalse(Options("a", "t", "http://127.0.0.1:8000").sends_token_in_the_clear)
        self.assertFalse(Options("a", "t", "https://example.org").sends_token_in_the_clear)


if __name__ == "__main__":
    unittest.main()
