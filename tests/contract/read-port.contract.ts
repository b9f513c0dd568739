import { expect, test } from "vitest";
import { PortReader } from "../../packages/server/dist/store/read-port.js";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import type { StoreReader } from "../../packages/server/dist/store/store.js";
import { batchOf, sampleAt } from "../support/samples.ts";
import { type ContractStores, hour, minute, quarter, second, start } from "./contract-stores.ts";

export function readPortContract({ everything, openEmpty }: ContractStores): void {
  test("every question is answered over a lent port as it is without one, many at once, and ends with its signal", async () => {
    const { store } = await openEmpty();
    const sent = Array.from({ length: 1_000 }, (_, i) => sampleAt(start + i * second, i, { grid: { power: i } }));
    await store.append([batchOf(sent)]);
    const range = { registration: firstRegistration("ems_001"), fromMs: start, toMs: start + hour };
    const ask = (reader: StoreReader, signal?: AbortSignal) =>
      Promise.allSettled([
        reader.points(firstRegistration("ems_001")),
        reader.samples({ ...range, take: "last", limit: 10, signal }),
        reader.history({ ...range, bucketMs: minute, points: ["grid.power"], signal }),
        reader.coverage({ ...range, bucketMs: minute, signal }),
        reader.energy({ registration: firstRegistration("ems_001"), edgesMs: [start, start + hour], signal }),
        reader.timeline({ ...range, point: "grid.power", limit: 10, signal }),
        reader.fleetTotals({
          ...range,
          registrations: [firstRegistration("ems_001")],
          point: "grid.power",
          bucketMs: minute,
          signal,
        }),
      ]);
    const lent = new PortReader(store.openReadPort());
    const [overPort, plain] = await Promise.all([ask(lent), ask(store)]);
    expect(overPort).toEqual(plain);
    expect(plain.map(({ status }) => status)).toEqual(plain.map(() => "fulfilled"));
    const reason = new Error("the viewer has left");
    const controller = new AbortController();
    const left = ask(lent, controller.signal);
    controller.abort(reason);
    expect((await left).slice(1)).toEqual(plain.slice(1).map(() => ({ status: "rejected", reason })));
    expect(await lent.samples({ ...range, take: "first", limit: 1 })).toHaveLength(1);
    await store.close();
  });

  test("a question that nobody waits for any more ends with the reason", async () => {
    const { store } = await openEmpty();
    const sent = Array.from({ length: 5_000 }, (_, i) => sampleAt(start + i * second, i, { grid: { power: i } }));
    await store.append([batchOf(sent)]);
    const range = { registration: firstRegistration("ems_001"), fromMs: start, toMs: start + 2 * hour };
    const ask = (signal: AbortSignal): Promise<unknown>[] => [
      store.samples({ ...range, take: "first", limit: 10_000, signal }),
      store.history({ ...range, bucketMs: minute, points: ["grid.power"], signal }),
      store.history({ ...range, bucketMs: quarter, points: ["grid.power"], signal }),
      store.coverage({ ...range, bucketMs: minute, signal }),
      store.energy({ registration: firstRegistration("ems_001"), edgesMs: [start, start + 2 * hour], signal }),
      store.timeline({ ...range, point: "grid.power", limit: 10, signal }),
      store.fleetTotals({
        ...range,
        registrations: [firstRegistration("ems_001")],
        point: "grid.power",
        bucketMs: minute,
        signal,
      }),
      store.info(signal),
      store.verify(() => {}, signal),
    ];
    const reason = new Error("the viewer has left");
    for (const asked of ask(AbortSignal.abort(reason))) await expect(asked).rejects.toBe(reason);
    const controller = new AbortController();
    const asked = ask(controller.signal);
    controller.abort(reason);
    expect(await Promise.allSettled(asked)).toEqual(asked.map(() => ({ status: "rejected", reason })));
    // And the store goes on.
    expect(await everything(store)).toHaveLength(5_000);
    await store.close();
  });
}
