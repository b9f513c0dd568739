import random
import unittest

from wattboard_device.ranges import Ranges


class RangesTest(unittest.TestCase):
    def test_is_what_a_set_of_numbers_is(self) -> None:
        for seed in range(200):
            chance = random.Random(seed)
            ranges, numbers = Ranges(), set()
            for _ in range(30):
                first = chance.randint(1, 60)
                last = first + chance.randint(-1, 12)
                if chance.random() < 0.6:
                    ranges.add(first, last)
                    numbers |= set(range(first, last + 1))
                else:
                    ranges.remove(first, last)
                    numbers -= set(range(first, last + 1))
                found = [each for start, end in ranges for each in range(start, end + 1)]
                self.assertEqual(found, sorted(numbers), f"seed {seed}")
                missing = [each for start, end in ranges.missing(10, 50) for each in range(start, end + 1)]
                self.assertEqual(missing, [each for each in range(10, 51) if each not in numbers], f"seed {seed}")
                self.assertEqual([each in ranges for each in range(70)], [each in numbers for each in range(70)])

    def test_neighbours_are_one_stretch(self) -> None:
        self.assertEqual(list(Ranges([(1, 3), (7, 9), (4, 6)])), [(1, 9)])


if __name__ == "__main__":
    unittest.main()
