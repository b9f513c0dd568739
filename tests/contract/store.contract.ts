import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { type ContractStores, now, openRange, type StoreHarness } from "./contract-stores.ts";
import { coverageContract } from "./coverage.contract.ts";
import { deviceJournalsContract } from "./device-journals.contract.ts";
import { energyContract } from "./energy.contract.ts";
import { eventsContract } from "./events.contract.ts";
import { fleetTotalsContract } from "./fleet-totals.contract.ts";
import { historyContract } from "./history.contract.ts";
import { latestContract } from "./latest.contract.ts";
import { maintenanceContract } from "./maintenance.contract.ts";
import { pagesContract } from "./pages.contract.ts";
import { pointsContract } from "./points.contract.ts";
import { readPortContract } from "./read-port.contract.ts";
import { registrationsContract } from "./registrations.contract.ts";
import { samplesContract } from "./samples.contract.ts";
import { strikesContract } from "./strikes.contract.ts";
import { timelineContract } from "./timeline.contract.ts";

/**
 * What every store does, a file a question. The references are computed from what was sent, in the plainest way; each question about the past is
 * asked while the samples are fresh, once more after the store's upkeep, and where it matters after it was closed and opened again.
 */
export function storeContract(name: string, { open, settle }: StoreHarness): void {
  describe(`the store's contract: ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "wattboard-contract-"));
    let folders = 0;
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const stores: ContractStores = {
      async openEmpty() {
        const own = join(folder, String(++folders));
        return { store: await open(own, now), reopen: () => open(own, now) };
      },
      everything: (store, deviceId = "ems_001") =>
        store.samples({ registration: firstRegistration(deviceId), ...openRange, take: "first", limit: 1_000_000 }),
      settle,
    };
    samplesContract(stores);
    pagesContract(stores);
    registrationsContract(stores);
    latestContract(stores);
    pointsContract(stores);
    historyContract(stores);
    coverageContract(stores);
    energyContract(stores);
    timelineContract(stores);
    fleetTotalsContract(stores);
    strikesContract(stores);
    deviceJournalsContract(stores);
    eventsContract(stores);
    maintenanceContract(stores);
    readPortContract(stores);
  });
}
