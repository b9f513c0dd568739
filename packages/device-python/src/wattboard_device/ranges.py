"""Sets of whole numbers, kept as stretches."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Iterable, Iterator, List, Tuple

Range = Tuple[int, int]


class Ranges:
    """Whole numbers as disjoint stretches `(first, last)`, both included, ascending; neighbours are one stretch."""

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._firsts: List[int] = []
        self._lasts: List[int] = []
        for first, last in ranges:
            self.add(first, last)

    def add(self, first: int, last: int) -> None:
        if first > last:
            return
        # All stretches from `low` to `high` touch the new one.
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def remove(self, first: int, last: int) -> None:
        low = bisect_left(self._lasts, first)
        high = bisect_right(self._firsts, last)
        if first > last or low >= high:
            return
        left, right = self._firsts[low], self._lasts[high - 1]
        firsts, lasts = [], []
        if left < first:
            firsts.append(left)
            lasts.append(first - 1)
        if right > last:
            firsts.append(last + 1)
            lasts.append(right)
        self._firsts[low:high] = firsts
        self._lasts[low:high] = lasts

    def within(self, first: int, last: int) -> Iterator[Range]:
        """The stretches that lie in `first` to `last`, cut to it."""
        for at in range(bisect_left(self._lasts, first), bisect_right(self._firsts, last)):
            yield max(first, self._firsts[at]), min(last, self._lasts[at])

    def missing(self, first: int, last: int) -> Iterator[Range]:
        """The stretches of `first` to `last` that are not in the set."""
        for start, end in self.within(first, last):
            if first < start:
                yield first, start - 1
            first = end + 1
        if first <= last:
            yield first, last

    @property
    def end(self) -> int:
        """The highest number; 0 if there is none."""
        return self._lasts[-1] if self._lasts else 0

    def __contains__(self, number: int) -> bool:
        at = bisect_left(self._lasts, number)
        return at < len(self._firsts) and self._firsts[at] <= number

    def __iter__(self) -> Iterator[Range]:
        return zip(self._firsts[:], self._lasts[:])

    def __bool__(self) -> bool:
        return bool(self._firsts)
