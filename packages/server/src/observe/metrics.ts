import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { version } from "../base/version.ts";

/** A counter or gauge that is read from the parts when asked for, so that the hot path pays an increment of a number and no more. */
interface Reading {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricSources {
  readonly samples: () => Iterable<Reading>;
  readonly faultyValues: () => Iterable<Reading>;
  readonly connections: () => Iterable<Reading>;
  readonly refusedHandshakes: () => Iterable<Reading>;
  readonly deliveries: () => Iterable<Reading>;
  readonly floods: () => Iterable<Reading>;
  readonly slowReaders: () => Iterable<Reading>;
  readonly takeovers: () => Iterable<Reading>;
  readonly devices: () => Iterable<Reading>;
  readonly queuedBytes: () => Iterable<Reading>;
  readonly sockets: () => Iterable<Reading>;
  readonly socketsMax: () => Iterable<Reading>;
  readonly openDescriptors: () => Iterable<Reading>;
  readonly freeBytes: () => Iterable<Reading>;
  readonly commandSteps: () => Iterable<Reading>;
  readonly openCommands: () => Iterable<Reading>;
  readonly answerBytes: () => Iterable<Reading>;
  readonly answersCut: () => Iterable<Reading>;
}

export interface StoreMetrics {
  readonly commitSeconds: Histogram;
  readonly committed: Counter;
  readonly failures: Counter;
  readonly damages: Counter;
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
export function createMetrics(sources: MetricSources): { readonly registry: Registry; readonly store: StoreMetrics } {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // The number of sockets is among our own.
  for (const name of walksAllSockets) registry.removeSingleMetric(name);
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[], source: () => Iterable<Reading>): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const { labels, value } of source()) this.inc(labels ?? {}, value);
      },
    });
  };
  const gauge = (name: string, help: string, labelNames: string[], source: () => Iterable<Reading>): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        for (const { labels, value } of source()) this.set(labels ?? {}, value);
      },
    });
  };
  counter(
    "wattboard_samples_total",
    "Telemetry messages by what became of them: accepted, unstored (live only), or the reason for the drop.",
    ["result"],
    sources.samples,
  );
  counter(
    "wattboard_faulty_values_total",
    "Values of telemetry messages that were left out, or kept and marked, by what is wrong with them.",
    ["fault"],
    sources.faultyValues,
  );
  gauge("wattboard_connections", "Open WebSockets.", ["role"], sources.connections);
  counter(
    "wattboard_handshakes_refused_total",
    "Refused WebSocket handshakes.",
    ["door", "code"],
    sources.refusedHandshakes,
  );
  counter("wattboard_deliveries_total", "Messages handed to dashboards.", [], sources.deliveries);
  counter(
    "wattboard_floods_total",
    "How often a link was not read for a while, or was closed, since it sent far too much.",
    ["door"],
    sources.floods,
  );
  counter("wattboard_slow_readers_total", "Dashboards cut because they did not read.", [], sources.slowReaders);
  counter("wattboard_takeovers_total", "Links replaced by a newer one of the same device.", [], sources.takeovers);
  gauge("wattboard_devices", "Registered devices.", [], sources.devices);
  gauge("wattboard_build_info", "1; the label tells what runs.", ["version"], () => [
    { labels: { version }, value: 1 },
  ]);
  gauge("wattboard_store_queue_bytes", "Bytes that wait for the store.", [], sources.queuedBytes);
  gauge("wattboard_sockets", "Open sockets of any kind.", [], sources.sockets);
  gauge(
    "wattboard_sockets_max",
    "Sockets that may stay open; who comes then is refused with 503.",
    [],
    sources.socketsMax,
  );
  gauge(
    "wattboard_open_descriptors",
    "Open file descriptors, a few seconds ago; process_max_fds is their limit.",
    [],
    sources.openDescriptors,
  );
  gauge("wattboard_data_free_bytes", "Room on the disk of the data folder, a few seconds ago.", [], sources.freeBytes);
  counter(
    "wattboard_command_steps_total",
    "Steps of commands by the status that they led to: `queued` counts the commands given.",
    ["status"],
    sources.commandSteps,
  );
  gauge("wattboard_open_commands", "Commands that have not ended.", [], sources.openCommands);
  gauge(
    "wattboard_answer_bytes",
    "Bytes of HTTP answers that are being made or not taken yet.",
    [],
    sources.answerBytes,
  );
  counter(
    "wattboard_answers_cut_total",
    "Sockets cut since nothing of an HTTP answer was taken.",
    [],
    sources.answersCut,
  );
  return {
    registry,
    store: {
      commitSeconds: new Histogram({
        name: "wattboard_store_commit_seconds",
        help: "Time from handing a batch to the store until it is durable.",
        buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
        registers,
      }),
      committed: new Counter({ name: "wattboard_stored_samples_total", help: "Samples that are durable.", registers }),
      failures: new Counter({
        name: "wattboard_store_failures_total",
        help: "Batches that the store refused.",
        registers,
      }),
      damages: new Counter({
        name: "wattboard_store_damages_total",
        help: "Places of the store that were met and cannot be read; each once.",
        registers,
      }),
    },
  };
}
