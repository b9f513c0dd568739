import { expect, it } from "vitest";
import { ServerClock } from "./server-clock.ts";

it("tells the server's time although the viewer's clock is an hour off", () => {
  let local = 10_000_000;
  const clock = new ServerClock(() => local);
  clock.observe(13_600_000);
  local += 2_000;
  expect(clock.now()).toBe(13_602_000);
});

it("is not set back by a word that was long on its way", () => {
  let local = 0;
  const clock = new ServerClock(() => local);
  clock.observe(1_000);
  local = 5_000;
  clock.observe(5_000);
  expect(clock.now()).toBeGreaterThan(5_950);
});

it("follows at once when the viewer's clock is set", () => {
  let local = 0;
  const clock = new ServerClock(() => local);
  clock.observe(1_000);
  local = 3_600_000;
  clock.observe(2_000);
  expect(clock.now()).toBe(2_000);
});
