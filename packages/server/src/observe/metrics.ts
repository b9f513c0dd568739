import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { version } from "../base/version.ts";

/** A counter or gauge that is read from the parts when asked for, so that the hot path pays an increment of a number and no more. */
export interface Reading {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** prom-client's metrics that look at every open socket: with thousands of them each scrape would hold up live samples for tens of milliseconds. */
const walksAllSockets = [
  "process_open_fds",
  "nodejs_active_handles",
  "nodejs_active_handles_total",
  "nodejs_active_requests",
  "nodejs_active_requests_total",
  "nodejs_active_resources",
  "nodejs_active_resources_total",
];

/** What `/metrics` shows. Never a label per device: a fleet of 50,000 would be 50,000 series. */
export class Metrics {
  readonly registry = new Registry();
  readonly store = {
    commitSeconds: new Histogram({
      name: "wattboard_store_commit_seconds",
      help: "Time from handing a batch to the store until it is durable.",
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
      registers: [this.registry],
    }),
    committed: this.#count("wattboard_stored_samples_total", "Samples that are durable."),
    failures: this.#count("wattboard_store_failures_total", "Batches that the store refused."),
    damages: this.#count(
      "wattboard_store_damages_total",
      "Places of the store that were met and cannot be read; each once.",
    ),
  };

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    // The number of sockets is among our own.
    for (const name of walksAllSockets) this.registry.removeSingleMetric(name);
    this.gauge("wattboard_build_info", "1; the label tells what runs.", ["version"], () => [
      { labels: { version }, value: 1 },
    ]);
  }

  /** `source` is asked each time that somebody looks. */
  counter(name: string, help: string, labelNames: string[], source: () => Iterable<Reading>): void {
    new Counter({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset();
        for (const { labels, value } of source()) this.inc(labels ?? {}, value);
      },
    });
  }

  gauge(name: string, help: string, labelNames: string[], source: () => Iterable<Reading>): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        for (const { labels, value } of source()) this.set(labels ?? {}, value);
      },
    });
  }

  #count(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.registry] });
  }
}
