import type { MessagePort } from "node:worker_threads";
import { Failure, type FailureCode } from "../base/failure.ts";
import type {
  EnergyHistory,
  EnergyQuery,
  FleetQuery,
  FleetTotals,
  History,
  HistoryQuery,
  PointInfo,
  PointSample,
  SamplesQuery,
  Store,
  StoreDamage,
  Timeline,
  TimelineQuery,
} from "./store.ts";

/** The part of a store that answers questions about samples. */
export type StoreReader = Pick<Store, "samples" | "points" | "history" | "energy" | "timeline" | "fleetTotals">;

/** A question's signal stays with the asker; the store is told by `abandon`. */
type Asked<T> = Omit<T, "signal">;

/** What may be asked over a port that a store has lent. */
export type PortQuestion =
  | { readonly kind: "samples"; readonly query: Asked<SamplesQuery> }
  | { readonly kind: "points"; readonly deviceId: string }
  | { readonly kind: "history"; readonly query: Asked<HistoryQuery> }
  | { readonly kind: "energy"; readonly query: Asked<EnergyQuery> }
  | { readonly kind: "timeline"; readonly query: Asked<TimelineQuery> }
  | { readonly kind: "fleetTotals"; readonly query: Asked<FleetQuery> };

export type PortRequest =
  | (PortQuestion & { readonly number: number })
  /** Nobody waits for the answer of that number any more. */
  | { readonly kind: "abandon"; readonly abandoned: number };

/** Each question is answered once, under its number, unless it was abandoned. */
export type PortAnswer =
  | {
      readonly number: number;
      readonly ok: true;
      readonly result: unknown;
      /** What lay in the way of the answer and cannot be read. */
      readonly damage?: readonly StoreDamage[];
    }
  | { readonly number: number; readonly ok: false; readonly code: FailureCode; readonly message: string };

interface Pending {
  resolve(result: unknown): void;
  reject(reason: unknown): void;
}

/** Asks a store over a port that it has lent (`Store.lend`), in whichever thread the port is. Rejects with the store's `Failure`. */
export class PortReader implements StoreReader {
  readonly #port: MessagePort;
  readonly #pending = new Map<number, Pending>();
  #lastNumber = 0;
  #isEnded = false;

  /** `ended` is called when the store answers no more: it has stopped, or its thread has died; `onDamage` for what an answer lacks. */
  constructor(port: MessagePort, ended: () => void = () => {}, onDamage: (damage: StoreDamage) => void = () => {}) {
    this.#port = port;
    port.on("message", (answer: PortAnswer) => {
      const pending = this.#take(answer.number);
      if (answer.ok) {
        for (const damage of answer.damage ?? []) onDamage(damage);
        pending?.resolve(answer.result);
      } else pending?.reject(new Failure(answer.code, answer.message));
    });
    port.once("close", () => {
      this.#isEnded = true;
      for (const { reject } of this.#pending.values()) reject(hasEnded());
      this.#pending.clear();
      ended();
    });
  }

  samples({ signal, ...query }: SamplesQuery): Promise<PointSample[]> {
    return this.#ask({ kind: "samples", query }, signal) as Promise<PointSample[]>;
  }

  points(deviceId: string): Promise<PointInfo[]> {
    return this.#ask({ kind: "points", deviceId }) as Promise<PointInfo[]>;
  }

  history({ signal, ...query }: HistoryQuery): Promise<History> {
    return this.#ask({ kind: "history", query }, signal) as Promise<History>;
  }

  energy({ signal, ...query }: EnergyQuery): Promise<EnergyHistory> {
    return this.#ask({ kind: "energy", query }, signal) as Promise<EnergyHistory>;
  }

  timeline({ signal, ...query }: TimelineQuery): Promise<Timeline> {
    return this.#ask({ kind: "timeline", query }, signal) as Promise<Timeline>;
  }

  fleetTotals({ signal, ...query }: FleetQuery): Promise<FleetTotals> {
    return this.#ask({ kind: "fleetTotals", query }, signal) as Promise<FleetTotals>;
  }

  #ask(question: PortQuestion, signal?: AbortSignal): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#isEnded) return Promise.reject(hasEnded());
    const number = ++this.#lastNumber;
    const abandon = (): void => {
      this.#port.postMessage({ kind: "abandon", abandoned: number } satisfies PortRequest);
      this.#take(number)?.reject(signal?.reason);
    };
    return new Promise((resolve, reject) => {
      this.#pending.set(number, { resolve, reject });
      signal?.addEventListener("abort", abandon, { once: true });
      this.#port.postMessage({ ...question, number } satisfies PortRequest);
    }).finally(() => signal?.removeEventListener("abort", abandon));
  }

  #take(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    return pending;
  }
}

function hasEnded(): Failure {
  return new Failure("store_stopped", "The store has ended.");
}
