import type { MessagePort } from "node:worker_threads";
import { Failure } from "../base/failure.ts";
import { MethodCaller } from "../base/worker-client.ts";
import type { Registration } from "./registration.ts";
import type {
  CoverageQuery,
  CoverageSpans,
  EnergyHistory,
  EnergyQuery,
  FleetQuery,
  FleetSeries,
  History,
  HistoryQuery,
  PointInfo,
  PointSample,
  SamplesQuery,
  StoreDamage,
  StoreReader,
  Timeline,
  TimelineQuery,
} from "./store.ts";

/** A question's signal stays with the asker. */
type Asked<T> = Omit<T, "signal">;

/** What may be asked over a port that a store has lent. */
export interface ReadMethods {
  samples(query: Asked<SamplesQuery>): SamplesAnswer;
  points(registration: Registration): PointInfo[];
  history(query: Asked<HistoryQuery>): History;
  coverage(query: Asked<CoverageQuery>): CoverageSpans;
  energy(query: Asked<EnergyQuery>): EnergyHistory;
  timeline(query: Asked<TimelineQuery>): Timeline;
  fleetTotals(query: Asked<FleetQuery>): FleetSeries;
}

export interface SamplesAnswer {
  readonly samples: PointSample[];
  /** What lay in the way of the answer and cannot be read. */
  readonly damage: readonly StoreDamage[];
}

/** Asks a store over a port that it has lent (`Store.openReadPort`), in whichever thread the port is. Rejects with the store's `Failure`. */
export class PortReader implements StoreReader {
  readonly #caller: MethodCaller<ReadMethods>;
  readonly #onDamage: (damage: StoreDamage) => void;

  /** `ended` is called when the store answers no more: it has stopped, or its thread has died; `onDamage` for what an answer lacks. */
  constructor(port: MessagePort, ended: () => void = () => {}, onDamage: (damage: StoreDamage) => void = () => {}) {
    this.#onDamage = onDamage;
    port.on("message", (reply) => this.#caller.take(reply));
    port.once("close", () => {
      this.#caller.end(new Failure("store_stopped", "The store has ended."));
      ended();
    });
    this.#caller = new MethodCaller(port);
  }

  async samples({ signal, ...query }: SamplesQuery): Promise<PointSample[]> {
    const { samples, damage } = await this.#caller.callWith({ signal }, "samples", query);
    for (const each of damage) this.#onDamage(each);
    return samples;
  }

  points(registration: Registration): Promise<PointInfo[]> {
    return this.#caller.call("points", registration);
  }

  history({ signal, ...query }: HistoryQuery): Promise<History> {
    return this.#caller.callWith({ signal }, "history", query);
  }

  coverage({ signal, ...query }: CoverageQuery): Promise<CoverageSpans> {
    return this.#caller.callWith({ signal }, "coverage", query);
  }

  energy({ signal, ...query }: EnergyQuery): Promise<EnergyHistory> {
    return this.#caller.callWith({ signal }, "energy", query);
  }

  timeline({ signal, ...query }: TimelineQuery): Promise<Timeline> {
    return this.#caller.callWith({ signal }, "timeline", query);
  }

  fleetTotals({ signal, ...query }: FleetQuery): Promise<FleetSeries> {
    return this.#caller.callWith({ signal }, "fleetTotals", query);
  }
}
