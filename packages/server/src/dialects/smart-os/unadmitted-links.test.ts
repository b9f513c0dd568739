import { disconnects, limits } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, test, vi } from "vitest";
import { UnadmittedLinks } from "./unadmitted-links.ts";

function setUp(count: number) {
  const clock = new ManualClock();
  const links = new UnadmittedLinks(clock);
  const all = Array.from({ length: count }, () => ({ close: vi.fn() }));
  for (const link of all) links.add(link);
  return { clock, links, all };
}

test("a link that is not let in is closed after ten seconds; one that was, or is gone, is left alone", () => {
  const { clock, links, all } = setUp(2);
  const [stranger, device] = all;
  links.remove(device as never);
  clock.advance(limits.admissionMsMax - 1);
  expect(stranger?.close).not.toHaveBeenCalled();
  clock.advance(1);
  expect(stranger?.close).toHaveBeenCalledExactlyOnceWith(disconnects.notLetIn);
  clock.advance(limits.admissionMsMax);
  expect(device?.close).not.toHaveBeenCalled();
});

test("above the bound the oldest goes, so that a flood keeps out nobody who may come in", () => {
  const { links, all } = setUp(limits.unadmittedLinksMax);
  const newcomer = { close: vi.fn() };
  links.add(newcomer);
  const closed = [...all, newcomer].map(({ close }) => close.mock.calls.length);
  expect(closed).toEqual([1, ...Array.from({ length: limits.unadmittedLinksMax }, () => 0)]);
});
