import { limits } from "@wattboard/protocol";
import { ClientFeed } from "../dialects/smart-os/client-feed.ts";
import { FleetFeed } from "../telemetry/fleet-feed.ts";
import { Ingest } from "../telemetry/ingest.ts";
import { Journals } from "../telemetry/journals.ts";
import { PeerFeed } from "../telemetry/peer-feed.ts";
import { RefusedMessages } from "../telemetry/refused-messages.ts";
import type { SampleSink } from "../telemetry/sample-sink.ts";
import { StoreQueue } from "../telemetry/store-queue.ts";
import { tellFaults } from "../telemetry/tell-faults.ts";
import type { AlarmParts } from "./assemble-alarms.ts";
import type { Defer } from "./closing.ts";

export type TelemetryParts = ReturnType<typeof assembleTelemetry>;

/** The way of a sample, and who hears of it: the one list of sinks, in their order. */
export function assembleTelemetry(defer: Defer, parts: AlarmParts) {
  const {
    config,
    clock,
    log,
    store,
    storeWatch,
    events,
    devices,
    latest,
    peers,
    registry,
    fleetRows,
    fanout,
    commands,
    alarms,
  } = parts;
  const storeQueue = new StoreQueue(
    store,
    clock,
    {
      flushMs: config.store.flush_ms,
      flushBytes: config.store.flush_bytes,
      queueBytesMax: config.store.queue_bytes,
    },
    storeWatch,
  );
  defer("the queue to the store", async (graceMs) => {
    const unstored = await storeQueue.close(graceMs);
    if (unstored > 0) log.error({ unstored }, "the store did not take these samples in time; they were never acked");
  });
  storeWatch.watch(storeQueue);
  defer("the look at the store", () => storeWatch.stop());
  const fleetFeed = new FleetFeed(clock, fleetRows, {
    fleetTickMs: config.fleet.tick_ms,
    fleetRowsPerTickMax: config.fleet.rows_per_tick,
  });
  defer("the feed of the fleet", () => fleetFeed.stop());
  registry.watch(fleetFeed);
  const peering = config.access.peers ? { peers, feed: new PeerFeed(clock, latest, peers) } : null;
  defer("the feed of peers", () => peering?.feed.stop());
  const clientFeed = new ClientFeed();
  const sinks: SampleSink[] = [fanout, fleetFeed, commands, clientFeed, storeQueue, alarms];
  if (peering !== null) sinks.splice(2, 0, peering.feed);
  const refused = new RefusedMessages(clock, log, events, (deviceId, frame) =>
    registry.find(deviceId)?.notify?.(frame),
  );
  const ingest = new Ingest(clock, sinks, tellFaults(clock, events, refused), (device, journal, seq) => {
    if (journal.mayTake(seq)) storeQueue.pass(device, journal, seq, seq);
  });
  const journals = new Journals(
    {
      clock,
      store,
      storeQueue,
      registry,
      events,
      registrationOf: (deviceId) => devices.find(deviceId)?.registration,
      onFilled(deviceId, { fromMs, toMs, samples }) {
        fanout.backfilled(deviceId, fromMs, toMs, samples);
        alarms.filled(deviceId);
      },
    },
    ingest,
    { perSecond: config.limits.backfill_per_second, perDevice: config.limits.backfill_per_device },
    { frame_bytes: limits.frameBytesMax, messages_per_second: config.limits.messages_per_second },
  );
  defer("the journals of devices", () => journals.stop());
  return { ...parts, storeQueue, fleetFeed, peering, clientFeed, ingest, journals };
}
