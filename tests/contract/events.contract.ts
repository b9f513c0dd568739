import { expect, test } from "vitest";
import { type ContractStores, second, start } from "./contract-stores.ts";

export function eventsContract({ openEmpty }: ContractStores): void {
  test("events are kept, newest first, by page, device, kind and time, and after a restart", async () => {
    const { store, reopen } = await openEmpty();
    const sent = Array.from({ length: 25 }, (_, i) => ({
      atMs: start + i * second,
      kind: i % 2 === 0 ? "link" : "fault",
      key: i % 5 === 0 ? null : `ems_${i % 3}`,
      message: `event ${i}: "ä €"`,
    }));
    await store.recordEvents(sent.slice(0, 10));
    await store.recordEvents([]);
    await store.recordEvents(sent.slice(10));
    const newest = [...sent].reverse();
    const found = await store.events({ limit: 100 });
    expect(found.map(({ number: _, ...event }) => event)).toEqual(newest);
    expect(found.every(({ number }, at) => at === 0 || number < (found[at - 1]?.number ?? 0))).toBe(true);

    const pages = [];
    for (let before: number | undefined; ; ) {
      const page = await store.events({ limit: 4, before });
      if (page.length === 0) break;
      pages.push(...page);
      before = page.at(-1)?.number;
    }
    expect(pages).toEqual(found);

    const messages = async (query: object) =>
      (await store.events({ limit: 100, ...query })).map(({ message }) => message);
    const expected = (keep: (event: (typeof sent)[number]) => boolean) =>
      newest.filter(keep).map(({ message }) => message);
    expect(await messages({ keys: ["ems_1"] })).toEqual(expected(({ key }) => key === "ems_1"));
    const few = ["ems_0", "ems_2", "nobody"];
    expect(await messages({ keys: few })).toEqual(expected(({ key }) => few.includes(key ?? "")));
    expect(await messages({ keys: [] })).toEqual([]);
    expect(await messages({ kind: "fault" })).toEqual(expected(({ kind }) => kind === "fault"));
    const [fromMs, toMs] = [start + 3 * second, start + 9 * second];
    expect(await messages({ fromMs, toMs })).toEqual(expected(({ atMs }) => atMs >= fromMs && atMs < toMs));
    await store.close();
    const again = await reopen();
    expect(await again.events({ limit: 100 })).toEqual(found);
    await again.recordEvents([{ atMs: start, kind: "link", key: null, message: "one more" }]);
    expect((await again.events({ limit: 1 }))[0]?.number).toBeGreaterThan(found[0]?.number as number);
    await again.close();
  });
}
