import json
import unittest
from dataclasses import dataclass

from wattboard_device.sample import message_of


class SampleTest(unittest.TestCase):
    def test_gets_id_and_time_and_speaks_for_nobody_else(self) -> None:
        message = json.loads(message_of("ems_001", {"device_id": "ems_002", "seq": 7, "battery": {"soc": 5}}))
        self.assertRegex(message.pop("timestamp"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(message, {"device_id": "ems_001", "battery": {"soc": 5}})

    def test_may_be_a_json_text_or_a_dataclass(self) -> None:
        @dataclass
        class Telemetry:
            timestamp: str
            battery: dict

        given = {"timestamp": "2026-01-31T12:00:00Z", "battery": {"soc": 5}}
        expected = {"device_id": "ems_001", **given}
        for each in (given, json.dumps(given), Telemetry(**given)):
            self.assertEqual(json.loads(message_of("ems_001", each)), expected)

    def test_has_null_where_there_is_no_number(self) -> None:
        message = json.loads(message_of("a", {"battery": {"soc": float("nan"), "cells": [1.0, float("inf")]}}))
        self.assertEqual(message["battery"], {"soc": None, "cells": [1.0, None]})

    def test_what_is_no_sample_is_an_error_of_the_caller(self) -> None:
        for each in ([], None, "[]", 5, {"battery": {"soc": object()}}):
            with self.assertRaises(TypeError):
                message_of("a", each)
        with self.assertRaises(ValueError):
            message_of("a", "{")


if __name__ == "__main__":
    unittest.main()
