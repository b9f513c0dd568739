import { expect, test } from "vitest";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { batchOf, sampleAt } from "../support/samples.ts";
import { type ContractStores, second, start } from "./contract-stores.ts";

export function pointsContract({ openEmpty, settle }: ContractStores): void {
  test("the points of a device are listed as they first came, with the kinds of their values", async () => {
    const { store, reopen } = await openEmpty();
    await store.append([batchOf([sampleAt(start, 0, { battery: { soc: 1 }, own: { b: null, a: "x" } })])]);
    await store.append([
      batchOf([sampleAt(start + second, 1, { grid: { power: 2 }, own: { b: 1, a: true }, plain: 5 })]),
      batchOf([sampleAt(start, 0, { other: { x: 1 } }, { deviceId: "ems_002" })]),
    ]);
    await settle(store);
    await store.append([
      batchOf([sampleAt(start + 2 * second, 2, { system_status: { error_flags: ["A"] }, own: { b: 2 } })]),
    ]);
    const expected = [
      { name: "battery.soc", kinds: ["number"] },
      { name: "own.b", kinds: ["number"] },
      { name: "own.a", kinds: ["text", "boolean"] },
      { name: "grid.power", kinds: ["number"] },
      { name: "plain", kinds: ["number"] },
      { name: "system_status.error_flags", kinds: ["list"] },
    ];
    expect(await store.points(firstRegistration("ems_001"))).toEqual(expected);
    expect(await store.points(firstRegistration("nobody"))).toEqual([]);
    await store.close();
    const again = await reopen();
    expect(await again.points(firstRegistration("ems_001"))).toEqual(expected);
    await again.close();
  });
}
