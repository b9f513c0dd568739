import {
  alarmSeverities,
  type CommandStatus,
  commandStatuses,
  type RefusalCode,
  refusals,
  type ValueFault,
  valueFaults,
} from "@wattboard/protocol";
import { doorNames } from "../doors/door-name.ts";
import { linkEnds } from "../link/link.ts";
import type { Reading } from "../observe/metrics.ts";
import type { HttpParts } from "./assemble-http.ts";
import type { Defer } from "./closing.ts";

/** Name, help, labels, and where it is read when somebody looks. */
type LabelledRow = [string, string, string[], (parts: HttpParts) => Iterable<Reading>];
/** Name, help, and the number; null where the system does not tell. */
type MetricRow = [string, string, (parts: HttpParts) => number | null];

const labelledCounters: LabelledRow[] = [
  [
    "wattboard_samples_total",
    "Telemetry messages by what became of them: accepted, unstored (live only), or the reason for the drop.",
    ["result"],
    function* ({ ingest, storeWatch }) {
      yield { labels: { result: "accepted" }, value: ingest.acceptedCount };
      yield { labels: { result: "unstored" }, value: storeWatch.unstoredCount };
      // From the start, also those that are still 0: a rate needs a beginning.
      for (const [result, listed] of Object.entries(refusals)) {
        if ("status" in listed) continue;
        yield { labels: { result }, value: ingest.droppedCounts.get(result as RefusalCode) ?? 0 };
      }
    },
  ],
  [
    "wattboard_links_ended_total",
    "Ended WebSockets: closed by either side or lost, or cut since they were silent, did not read, sent too much or broke the rules.",
    ["door", "end"],
    ({ links }) =>
      doorNames.flatMap((door) =>
        linkEnds.map((end) => ({ labels: { door, end }, value: links.endCounts.get(`${door} ${end}`) ?? 0 })),
      ),
  ],
  [
    "wattboard_faulty_values_total",
    "Values of telemetry messages that were left out, or kept and marked, by what is wrong with them.",
    ["fault"],
    function* ({ ingest }) {
      for (const fault of Object.keys(valueFaults) as ValueFault[]) {
        yield { labels: { fault }, value: ingest.faultCounts.get(fault) ?? 0 };
      }
    },
  ],
  [
    "wattboard_handshakes_refused_total",
    "Refused WebSocket handshakes.",
    ["door", "code"],
    function* ({ links, router, socketBound }) {
      for (const [key, value] of links.refusedCounts) {
        const [door = "", code = ""] = key.split(" ");
        yield { labels: { door, code }, value };
      }
      yield { labels: { door: "any", code: "too_many_sockets" }, value: router.refusedSocketCount };
      yield { labels: { door: "any", code: "client_left" }, value: router.leftCount };
      yield { labels: { door: "any", code: "server_full" }, value: socketBound.refusedCount };
    },
  ],
  [
    "wattboard_streams_resumed_total",
    "Dashboards that came back: those that got all that they had missed, and those that were sent to the history.",
    ["recovered"],
    ({ fanout: { resumeCounts } }) => [
      { labels: { recovered: "true" }, value: resumeCounts.recovered },
      { labels: { recovered: "false" }, value: resumeCounts.lost },
    ],
  ],
  [
    "wattboard_floods_total",
    "How often a link was not read for a while, or was closed, since it sent far too much.",
    ["door"],
    ({ floods }) => doorNames.map((door) => ({ labels: { door }, value: floods.counts.get(door) ?? 0 })),
  ],
  [
    "wattboard_command_steps_total",
    "Steps of commands by the status that they led to: `queued` counts the commands given.",
    ["status"],
    function* ({ commands }) {
      for (const status of Object.keys(commandStatuses) as CommandStatus[]) {
        yield { labels: { status }, value: commands.stepCounts.get(status) ?? 0 };
      }
    },
  ],
];

const counters: MetricRow[] = [
  [
    "wattboard_deliveries_total",
    "Messages handed to dashboards.",
    ({ fanout, clientFeed }) => fanout.deliveryCount + clientFeed.deliveryCount,
  ],
  ["wattboard_slow_readers_total", "Dashboards cut because they did not read.", ({ links }) => links.slowReaderCount],
  [
    "wattboard_takeovers_total",
    "Links replaced by a newer one of the same device.",
    ({ registry }) => registry.takeoverCount,
  ],
  [
    "wattboard_answers_cut_total",
    "Sockets cut since nothing of an HTTP answer was taken.",
    ({ budget }) => budget.cutCount,
  ],
  ["wattboard_acks_total", "Acks sent to devices that number their samples.", ({ journals }) => journals.ackCount],
  [
    "wattboard_duplicate_samples_total",
    "Numbered samples that had come before, and were passed over.",
    ({ ingest }) => ingest.duplicateCount,
  ],
  [
    "wattboard_backfilled_samples_total",
    "Samples of before that were handed to the store.",
    ({ journals }) => journals.backfilledCount,
  ],
  [
    "wattboard_lost_samples_total",
    "Numbered samples that will never come, as their devices have declared.",
    ({ journals }) => journals.lostCount,
  ],
];

const labelledGauges: LabelledRow[] = [
  [
    "wattboard_connections",
    "Open WebSockets.",
    ["role"],
    ({ links }) => doorNames.map((role) => ({ labels: { role }, value: links.count(role) })),
  ],
  [
    "wattboard_alarms_open",
    "Alarms that are open and not snoozed.",
    ["severity"],
    ({ alarms }) => alarmSeverities.map((severity) => ({ labels: { severity }, value: alarms.book.count(severity) })),
  ],
];

const gauges: MetricRow[] = [
  ["wattboard_devices", "Registered devices.", ({ devices }) => devices.list().length],
  ["wattboard_store_queue_bytes", "Bytes that wait for the store.", ({ storeQueue }) => storeQueue.queuedBytes],
  [
    "wattboard_resume_bytes",
    "Bytes of live frames that are kept for dashboards that come back; at most outbox.resume_bytes.",
    ({ fanout }) => fanout.keptBytes,
  ],
  [
    "wattboard_store_renewed_share",
    "Share of the summaries that are made anew by today's rule which is done; 1 where none are.",
    ({ storeWatch }) => storeWatch.renewedShare,
  ],
  ["wattboard_sockets", "Open sockets of any kind.", ({ socketBound }) => socketBound.openCount],
  [
    "wattboard_sockets_max",
    "Sockets that may stay open; who comes then is refused with 503.",
    ({ socketBound }) => socketBound.socketsMax,
  ],
  [
    "wattboard_open_descriptors",
    "Open file descriptors, a few seconds ago; process_max_fds is their limit.",
    ({ machine }) => machine.openDescriptors,
  ],
  [
    "wattboard_data_free_bytes",
    "Room on the disk of the data folder, a few seconds ago.",
    ({ machine }) => machine.freeBytes,
  ],
  ["wattboard_open_commands", "Commands that have not ended.", ({ commands }) => commands.openCount],
  [
    "wattboard_alarm_rows_waiting",
    "Rows of alarms that wait for the disk; more than a few: it does not take them.",
    ({ alarms }) => alarms.journal.waitingCount,
  ],
  [
    "wattboard_backfilling_devices",
    "Devices that send samples of before just now.",
    ({ journals }) => journals.backfillingCount,
  ],
  [
    "wattboard_answer_bytes",
    "Bytes of HTTP answers that are being made or not taken yet.",
    ({ budget }) => budget.held,
  ],
];

/** What the parts count, for whoever scrapes. */
export function assembleMetrics(_defer: Defer, parts: HttpParts): void {
  const { metrics } = parts;
  const single = (read: MetricRow[2]) => () => {
    const value = read(parts);
    return value === null ? [] : [{ value }];
  };
  for (const [name, help, read] of counters) metrics.counter(name, help, [], single(read));
  for (const [name, help, read] of gauges) metrics.gauge(name, help, [], single(read));
  for (const [name, help, labels, read] of labelledCounters) metrics.counter(name, help, labels, () => read(parts));
  for (const [name, help, labels, read] of labelledGauges) metrics.gauge(name, help, labels, () => read(parts));
}
