import type { Device } from "../devices/device-registry.ts";
import { withConsumption } from "../store/algebra/energy.ts";
import { windowMs } from "../store/algebra/window.ts";
import { ownFromMs } from "../store/registration.ts";
import type {
  CoverageQuery,
  CoverageSpans,
  EnergyHistory,
  EnergyQuery,
  FleetQuery,
  FleetSeries,
  History,
  HistoryQuery,
  PointSample,
  SamplesQuery,
  StoreReader,
  Timeline,
  TimelineQuery,
} from "../store/store.ts";

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

  history(device: RegisteredDevice, query: OfDevice<HistoryQuery>): Promise<History> {
    return this.#store.history({ ...query, ...expectedOf(device, query.bucketMs) });
  }

  coverage(device: RegisteredDevice, query: OfDevice<CoverageQuery>): Promise<CoverageSpans> {
    return this.#store.coverage({ ...query, ...expectedOf(device, query.bucketMs) });
  }

  async energy(device: RegisteredDevice, query: OfDevice<EnergyQuery>): Promise<EnergyHistory> {
    const [{ spans, total }, points] = await Promise.all([
      this.#store.energy({ ...query, ...expectedOf(device, windowMs) }),
      this.#store.points(device.registration),
    ]);
    const hasSolar = points.some(({ name }) => name === "solar" || name.startsWith("solar."));
    return { spans: spans.map((span) => ({ ...span, energy: withConsumption(span.energy, hasSolar) })), total };
  }

  fleetTotals(devices: readonly RegisteredDevice[], query: Omit<FleetQuery, "registrations">): Promise<FleetSeries> {
    return this.#store.fleetTotals({ ...query, registrations: devices.map(({ registration }) => registration) });
  }
}

/** Of which registration, and from when on samples are missed where there are none, in figures of that width. */
function expectedOf(
  { createdAtMs, registration }: RegisteredDevice,
  bucketMs: number,
): Pick<HistoryQuery, "registration" | "registeredMs"> {
  return { registration, registeredMs: Math.max(createdAtMs, ownFromMs(registration, bucketMs)) };
}
