import type { Device } from "../devices/device-registry.ts";
import { windowFrom, windowMs } from "../store/algebra/window.ts";
import type {
  EnergyQuery,
  FleetQuery,
  FleetTotals,
  HistoryQuery,
  PointSample,
  SamplesQuery,
  StoreReader,
  Timeline,
  TimelineQuery,
} from "../store/store.ts";
import { type ExpectedEnergy, type ExpectedHistory, expectedEnergy, expectedHistory } from "./coverage.ts";

type OfDevice<Query> = Omit<Query, "registration">;

/** What of a device says which past is its own, and from when on something is expected of it. */
export type RegisteredDevice = Pick<Device, "deviceId" | "registration" | "createdAtMs">;

/** What the store has of a device's registration, with what is missing of it. All that the API shows of the past comes from here. */
export class DeviceHistory {
  readonly #store: StoreReader;

  constructor(store: StoreReader) {
    this.#store = store;
  }

  samples({ registration }: RegisteredDevice, query: OfDevice<SamplesQuery>): Promise<PointSample[]> {
    return this.#store.samples({ ...query, registration });
  }

  timeline({ registration }: RegisteredDevice, query: OfDevice<TimelineQuery>): Promise<Timeline> {
    return this.#store.timeline({ ...query, registration });
  }

  async history(device: RegisteredDevice, query: OfDevice<HistoryQuery>): Promise<ExpectedHistory> {
    const history = await this.#store.history({ ...query, registration: device.registration });
    return expectedHistory(expectedFromMs(device, query.bucketMs), query, history);
  }

  async energy(device: RegisteredDevice, query: OfDevice<EnergyQuery>): Promise<ExpectedEnergy> {
    const spans = await this.#store.energy({ ...query, registration: device.registration });
    return expectedEnergy(expectedFromMs(device, windowMs), spans);
  }

  fleetTotals(devices: readonly RegisteredDevice[], query: Omit<FleetQuery, "registrations">): Promise<FleetTotals> {
    return this.#store.fleetTotals({ ...query, registrations: devices.map(({ registration }) => registration) });
  }
}

/** From when on samples are missed where there are none, in figures of that width. */
function expectedFromMs({ createdAtMs, registration: { fromMs } }: RegisteredDevice, bucketMs: number): number {
  return Math.max(createdAtMs, bucketMs < windowMs ? fromMs : windowFrom(fromMs) * windowMs);
}
