import fc from "fast-check";
import { expect, test } from "vitest";
import { SeqRanges } from "./seq-ranges.ts";

test("it is a set of numbers, in whatever order and however often they come", () => {
  const range = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 8 }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 30 }), (added) => {
      const ranges = new SeqRanges();
      const set = new Set<number>();
      for (const [from, more] of added) {
        ranges.add(from, from + more);
        for (let seq = from; seq <= from + more; seq++) set.add(seq);
      }
      const numbers = Array.from({ length: 80 }, (_, at) => at + 1);
      expect(numbers.filter((seq) => ranges.has(seq))).toEqual(numbers.filter((seq) => set.has(seq)));
      const alone = (seq: number): boolean => seq !== 1 && ![seq - 1, seq, seq + 1].some((each) => set.has(each));
      expect(numbers.filter((seq) => ranges.isApart(seq))).toEqual(numbers.filter(alone));
      expect(numbers.map((seq) => ranges.firstMissing(seq))).toEqual(
        numbers.map((seq) => [...numbers, 81].find((each) => each >= seq && !set.has(each))),
      );
      expect(numbers.map((seq) => ranges.firstFrom(seq))).toEqual(
        numbers.map((seq) => numbers.find((each) => each >= seq && set.has(each)) ?? Number.POSITIVE_INFINITY),
      );
      const within = numbers.filter((seq) => seq >= 7 && seq <= 40 && set.has(seq));
      expect([ranges.countWithin(7, 40), ranges.lastWithin(7, 40)]).toEqual([within.length, within.at(-1) ?? null]);
      const missing = ranges.missing(5, 75).flatMap(([from, to]) => numbers.filter((seq) => seq >= from && seq <= to));
      expect(missing).toEqual(numbers.filter((seq) => seq >= 5 && seq <= 75 && !set.has(seq)));
      expect(ranges.through).toBe((numbers.find((seq) => !set.has(seq)) ?? 0) - 1);
      expect(ranges.count).toBe(set.size);
      expect(ranges.last).toBe(Math.max(0, ...set));
      const stretches = numbers.filter((seq) => set.has(seq) && !set.has(seq - 1)).length;
      expect(ranges.size).toBe(stretches);
      expect(new SeqRanges(ranges.toJSON()).toJSON()).toEqual(ranges.toJSON());
      expect(ranges.behind.length).toBe(stretches - (set.has(1) ? 1 : 0));
    }),
  );
});
