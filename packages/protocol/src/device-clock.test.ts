import { describe, expect, test } from "vitest";
import { DeviceClock } from "./device-clock.ts";

const startMs = Date.UTC(2026, 0, 31, 12);

/** Samples by their receipt and the clock's offset, both in s; gives how long before its receipt each is filed, s, and whose time that is. */
function place(
  samples: readonly (readonly [receivedS: number, offsetS: number])[],
  clock = new DeviceClock(),
  epoch = 1,
) {
  return samples.map(([receivedS, offsetS]) => {
    const receivedAtMs = startMs + receivedS * 1_000;
    clock.place(receivedAtMs + offsetS * 1_000, receivedAtMs, epoch);
    return [(receivedAtMs - clock.observedAtMs) / 1_000, clock.clock] as const;
  });
}

const seconds = (count: number, offsetS: number, fromS = 0) =>
  Array.from({ length: count }, (_, at) => [fromS + at, offsetS] as const);

describe("a device's clock", () => {
  test("that is right, or off by the time that a message takes, is believed", () => {
    expect(place(seconds(3, -0.4))).toEqual(Array(3).fill([0.4, "device"]));
  });

  test("that is a little ahead files no sample later than its receipt", () => {
    expect(place(seconds(3, 1.5))).toEqual(Array(3).fill([0, "device"]));
  });

  test.each([3, 200, 280, 7_200, 86_400])("that is %i s ahead is known to be so at once, and corrected", (offsetS) => {
    const clock = new DeviceClock();
    expect(place(seconds(4, offsetS), clock)).toEqual(Array(4).fill([0, "server"]));
    expect(clock.offsetMs).toBe(offsetS * 1_000);
  });

  test("that is set right is believed at once", () => {
    const clock = new DeviceClock();
    place(seconds(5, 200), clock);
    expect(place(seconds(3, 0, 5), clock)).toEqual(Array(3).fill([0, "device"]));
    expect(clock.offsetMs).toBe(0);
  });

  test.each([-3, -90, -3_600, -86_400])("that is %i s off for five seconds is corrected from then on", (offsetS) => {
    const placed = place(seconds(20, offsetS));
    expect(placed.slice(0, 5)).toEqual(Array(5).fill([-offsetS, "device"]));
    expect(placed.slice(5)).toEqual(Array(15).fill([0, "server"]));
  });

  test("keeps its offset on a new link, until that shows another", () => {
    const clock = new DeviceClock();
    place(seconds(20, -90), clock, 1);
    expect(place(seconds(3, -90, 60), clock, 2)).toEqual(Array(3).fill([0, "server"]));
    expect(place(seconds(3, 0, 120), clock, 3)).toEqual(Array(3).fill([0, "device"]));
  });

  test("that drifts is followed", () => {
    const drifting = Array.from({ length: 3_000 }, (_, at) => [at, -90 - at / 1_000] as const);
    const placed = place(drifting);
    for (const [agoS] of placed.slice(5)) expect(agoS).toBeLessThan(2);
  });

  test("in whole seconds has an offset that is the same all the same", () => {
    const whole = Array.from({ length: 20 }, (_, at) => [at * 1.1, -90 - ((at * 1.1) % 1)] as const);
    for (const [agoS] of place(whole).slice(6)) expect(agoS).toBeLessThan(2);
  });

  test("that stands still, or is of another age, is not believed", () => {
    expect(
      place([
        [0, 0],
        [1, -1],
        [2, -2],
        [3, -3],
        [4, -4],
      ]).map(([, clock]) => clock),
    ).toEqual(["device", "device", "device", "server", "server"]);
    for (const years of [-56, 73]) expect(place(seconds(9, years * 31_536_000))).toEqual(Array(9).fill([0, "server"]));
  });
});

describe("a backlog", () => {
  /** What was measured each `stepS` in the last `agoS`, sent in one go, so many a second, and then what is measured now. */
  const backlog = (agoS: number, stepS: number, perSecond: number) =>
    Array.from(
      { length: Math.floor(agoS / stepS) },
      (_, at) => [at / perSecond, at * stepS - agoS - at / perSecond] as const,
    );

  test.each([
    [1_200, 60, 1_000],
    [1_200, 60, 10],
    [86_400, 60, 50],
    [600, 1, 10],
    [600, 1, 2],
  ])("of %i s in steps of %i s, %i samples a second, is filed where it was measured", (agoS, stepS, perSecond) => {
    const sent = backlog(agoS, stepS, perSecond);
    for (const [at, [agoOfSampleS]] of place(sent).entries()) {
      const offsetS = -(sent[at]?.[1] ?? 0);
      // From where a sample may as well be a slow one of now.
      if (offsetS > 5) expect(agoOfSampleS).toBeCloseTo(offsetS, 1);
    }
  });

  test("of a device whose clock is known to be ahead is filed by its corrected time", () => {
    const clock = new DeviceClock();
    place(seconds(5, 7_200), clock, 1);
    const placed = place(
      [
        [100, 7_200 - 600],
        [100.1, 7_200 - 540],
        [100.2, 7_200 - 480],
        [100.3, 7_200],
      ],
      clock,
      2,
    );
    expect(placed.map(([agoS]) => Math.round(agoS))).toEqual([600, 540, 480, 0]);
  });
});
