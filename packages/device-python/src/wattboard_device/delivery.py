"""What of a journal the server has, and what goes out next (docs/adr/0070-nothing-lost.md)."""

from __future__ import annotations

import json
import math
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple

from .journal import Journal, Loss
from .limits import BACKFILL_SAMPLES_MAX, FRAME_BYTES_MAX, SEQ_MAX
from .ranges import Range, Ranges

#: If no ack has come for so long while the link is up, all that is not acknowledged counts as not sent, s.
UNACKNOWLEDGED_S_MAX = 30.0
#: Backfill that is not acknowledged: so many seconds' worth at the server's pace, but never more samples than the other.
WINDOW_S = 2
WINDOW_SAMPLES_MAX = 4_096

_HEAD, _TAIL = '{"type":"backfill","samples":[', "]}"


class _Sent(NamedTuple):
    #: Rises with each sample that is sent.
    order: int
    is_live: bool
    at_s: float


class _Gap(NamedTuple):
    loss: Loss
    #: When it was told on this link; None: not yet.
    told_s: Optional[float]


class Delivery:
    """Keeps the books of one device: what is durable, what is on its way on this link, what must be sent again. Times are monotonic seconds."""

    def __init__(self, journal: Journal, lost: Callable[[Loss], None] = lambda loss: None) -> None:
        self._journal = journal
        #: Told what will never come.
        self._lost = lost
        #: What was in the journal before this process.
        self._start_seq = journal.last_seq
        self.durable = Ranges()
        self._sent: Dict[int, _Sent] = {}
        self._todo = Ranges()
        self._gaps: List[_Gap] = []
        self._order = 0
        self._epoch: Optional[int] = None
        self._opened_s = 0.0
        #: The newest sample that was given to `live`, or that the server was asked for.
        self._seen_seq = journal.last_seq
        self._acked_s = 0.0
        #: Whether the server has said what it has of this journal.
        self._is_welcome = False
        self._has_pace = False
        self._pace = 0.0
        self._due_s = 0.0
        self.frame_bytes_max = FRAME_BYTES_MAX

    @property
    def is_settled(self) -> bool:
        """Whether the server has all that the journal holds."""
        first, last = self._journal.first_seq, self._journal.last_seq
        return first > last or next(self.durable.missing(first, last), None) is None

    def opened(self, now_s: float) -> None:
        """There is a new link: nothing is on its way on it."""
        self._sent.clear()
        self._todo = Ranges()
        self._gaps = [_Gap(each.loss, None) for each in self._gaps]
        self._is_welcome = False
        self._has_pace = False
        self._pace = 0.0
        self._acked_s = self._opened_s = now_s
        self.frame_bytes_max = FRAME_BYTES_MAX

    def welcome(self, epoch: int, durable_seq: int, ranges: Iterable[Range], pace: float, frame_bytes: int) -> bool:
        """The server says what it has. False where it has numbers that this journal has not given yet: it was put back, by a restored disk."""
        self.durable = Ranges([(1, durable_seq), *ranges])
        self.frame_bytes_max = frame_bytes
        is_ahead = self._journal.last_seq < self.durable.end < SEQ_MAX // 2
        if is_ahead:
            texts = self._journal.read(self._start_seq + 1, self._journal.last_seq)
            self._journal.skip_to(self.durable.end)
            for text in texts.values():
                self._journal.append(text)
        self._epoch = epoch
        self._remember()
        self._forget_durable()
        self._take_losses()
        if self._journal.withheld_seq:
            self._give_up(Loss(self._journal.first_seq, self._journal.withheld_seq, "lost"))
        self._todo = Ranges(self.durable.missing(self._journal.first_seq, self._journal.last_seq))
        self._seen_seq = self._journal.last_seq
        for seq in self._sent:
            self._todo.remove(seq, seq)
        for gap in self._gaps:
            self._todo.remove(gap.loss.first, gap.loss.last)
        self._is_welcome = True
        self.pace(pace)
        return not is_ahead

    def numbers(self, heard_s: float) -> bool:
        """
        Whether samples get a number on this link, on which the server was heard last at `heard_s`. One that has not answered to a journal, now or before,
        and is heard 30 s later, does not know what that is; one whose store is away gives a pace. On a dead link they are kept.
        """
        is_known = self._is_welcome or self._has_pace or self._journal.epoch is not None
        return is_known or heard_s - self._opened_s < UNACKNOWLEDGED_S_MAX

    def pace(self, samples_per_second: float) -> None:
        self._has_pace = True
        self._pace = samples_per_second
        self._due_s = 0.0

    def ack(self, seq: int, ranges: Iterable[Range], now_s: float) -> None:
        newest = self._journal.last_seq
        for first, last in [(1, seq), *ranges]:
            self.durable.add(first, min(last, newest))
            self._todo.remove(first, last)
        self._acked_s = now_s
        newest_order = max((each.order for number, each in self._sent.items() if number in self.durable), default=0)
        self._forget_durable()
        # The server stores in the order of sending: what was sent before something that is durable, and is not, did not arrive.
        self._send_again(number for number, each in self._sent.items() if each.order < newest_order)
        self._remember()

    def live(self, seq: int, was_sent: bool, now_s: float) -> None:
        """A sample has come while there is a link, and was sent at once or not."""
        if self._is_welcome:
            # Those in between were passed over, since too many came at once.
            self._todo.add(self._seen_seq + 1, seq)
        self._seen_seq = max(self._seen_seq, seq)
        if was_sent:
            self._todo.remove(seq, seq)
            self._note_sent(seq, True, now_s)

    def tick(self, now_s: float) -> None:
        """Call about once a second while there is a link."""
        oldest_s = min((each.at_s for each in self._sent.values()), default=now_s)
        if now_s - max(self._acked_s, oldest_s) >= UNACKNOWLEDGED_S_MAX:
            self._send_again(list(self._sent))

    def next_frame(self, now_s: float) -> Tuple[Optional[str], Optional[float]]:
        """A frame to send now; or none, and in how many seconds to ask again (None: after the next thing that happens)."""
        if not self._is_welcome:
            return None, None
        self._take_losses()
        gap = self._next_gap(now_s)
        if gap is not None:
            return gap, None
        if not self._todo or self._pace <= 0:
            return None, None
        if now_s < self._due_s:
            return None, self._due_s - now_s
        waiting = sum(not each.is_live for each in self._sent.values())
        window = min(WINDOW_SAMPLES_MAX, max(1, math.floor(self._pace * WINDOW_S)))
        # Four frames a second, or as many as it takes.
        count = min(BACKFILL_SAMPLES_MAX, math.ceil(self._pace / 4), window - waiting)
        if count <= 0:
            return None, None
        samples = self._next_samples(count)
        if not samples:
            return self.next_frame(now_s)
        for seq in samples:
            self._todo.remove(seq, seq)
            self._note_sent(seq, False, now_s)
        self._due_s = now_s + len(samples) / self._pace
        return _HEAD + ",".join(number(seq, text) for seq, text in samples.items()) + _TAIL, None

    def _next_samples(self, count: int) -> Dict[int, str]:
        """The oldest that are to be sent and fit into a frame. Those that are not there any more become gaps."""
        samples: Dict[int, str] = {}
        room = self.frame_bytes_max - len(_HEAD) - len(_TAIL)
        for first, last in self._todo:
            last = min(last, first + count - len(samples) - 1)
            texts = self._journal.read(first, last)
            for seq in range(first, last + 1):
                text = texts.get(seq)
                length = 0 if text is None else len(number(seq, text)) + 1
                if text is None:
                    self._give_up(Loss(seq, seq, "damaged"))
                elif length > room and not samples:
                    self._give_up(Loss(seq, seq, "lost"))
                elif length > room:
                    return samples
                else:
                    samples[seq] = text
                    room -= length
            if len(samples) >= count:
                break
        return samples

    def _next_gap(self, now_s: float) -> Optional[str]:
        for at, (loss, told_s) in enumerate(self._gaps):
            if told_s is None or now_s - told_s >= UNACKNOWLEDGED_S_MAX:
                self._gaps[at] = _Gap(loss, now_s)
                times = {"from": loss.measured_from, "to": loss.measured_to}
                frame = {"type": "gap", "from_seq": loss.first, "to_seq": loss.last, "reason": loss.reason}
                frame.update((name, time) for name, time in times.items() if time is not None)
                return json.dumps(frame, separators=(",", ":"))
        return None

    def _remember(self) -> None:
        if self._epoch is not None:
            first = next(self.durable.within(1, 1), None)
            self._journal.acknowledge(next(iter(self.durable))[1] if first else 0, self._epoch)

    def _take_losses(self) -> None:
        for loss in self._journal.take_losses():
            self._give_up(loss)

    def _give_up(self, loss: Loss) -> None:
        """What is lost and not durable becomes a gap, one with its neighbour where both have the same reason."""
        self._todo.remove(loss.first, loss.last)
        for first, last in self.durable.missing(loss.first, loss.last):
            cut = _cut(loss, first, last)
            before = self._gaps[-1] if self._gaps else None
            if before and before.told_s is None and before.loss.reason == loss.reason and before.loss.last == first - 1:
                cut = before.loss._replace(last=last, measured_to=loss.measured_to)
                self._gaps.pop()
            self._gaps.append(_Gap(cut, None))
            self._lost(_cut(loss, first, last))

    def _forget_durable(self) -> None:
        self._sent = {seq: each for seq, each in self._sent.items() if seq not in self.durable}
        gaps, self._gaps = self._gaps, []
        for loss, told_s in gaps:
            for first, last in self.durable.missing(loss.first, loss.last):
                self._gaps.append(_Gap(_cut(loss, first, last), told_s))

    def _send_again(self, seqs: Iterable[int]) -> None:
        for seq in list(seqs):
            del self._sent[seq]
            if self._is_welcome and seq >= self._journal.first_seq:
                self._todo.add(seq, seq)

    def _note_sent(self, seq: int, is_live: bool, now_s: float) -> None:
        self._order += 1
        self._sent[seq] = _Sent(self._order, is_live, now_s)


def _cut(loss: Loss, first: int, last: int) -> Loss:
    measured_from = loss.measured_from if first == loss.first else None
    measured_to = loss.measured_to if last == loss.last else None
    return Loss(first, last, loss.reason, measured_from, measured_to)


def number(seq: int, text: str) -> str:
    """A sample with its number, which is its first member: the server cuts it off again without reading the message."""
    return f'{{"seq":{seq},{text[1:]}'
