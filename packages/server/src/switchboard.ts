import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { disconnects, type RefusalCode, refusals } from "@wattboard/protocol";
import { openAccessFile } from "./access/access-file.ts";
import { AddressLimit } from "./access/address-limit.ts";
import { ApiTokens } from "./access/api-tokens.ts";
import { removeControlFile, writeControlFile } from "./access/control-file.ts";
import { Devices } from "./access/devices.ts";
import { Gate, isLoopbackName } from "./access/gate.ts";
import { type Clock, systemClock } from "./base/clock.ts";
import { Failure, systemErrorCode } from "./base/failure.ts";
import type { Config } from "./config.ts";
import { DeviceDoor } from "./doors/device-door.ts";
import { type DoorContext, Links } from "./doors/doors.ts";
import { createHttpDoor } from "./doors/http-door.ts";
import { createWebSocketServer } from "./doors/upgrade.ts";
import { UpgradeRouter } from "./doors/upgrade-router.ts";
import { createDashboardDoor, createFleetDoor } from "./doors/viewer-door.ts";
import { Heartbeat } from "./link/heartbeat.ts";
import { Events } from "./observe/events.ts";
import { Health } from "./observe/health.ts";
import { createLog, type Log } from "./observe/log.ts";
import { createMetrics } from "./observe/metrics.ts";
import { PresenceLog } from "./observe/presence-log.ts";
import { Throttle } from "./observe/throttle.ts";
import { Registry } from "./registry/registry.ts";
import type { BlockStoreLimits } from "./store/embedded/block-store.ts";
import { EmbeddedStore } from "./store/embedded/embedded-store.ts";
import type { Store } from "./store/store.ts";
import { TimescaleStore } from "./store/timescale/timescale-store.ts";
import { Fanout } from "./telemetry/fanout.ts";
import { FleetFeed } from "./telemetry/fleet-feed.ts";
import { Ingest } from "./telemetry/ingest.ts";
import { Journal } from "./telemetry/journal.ts";
import { Latest } from "./telemetry/latest.ts";
import { restoreLatest } from "./telemetry/restore.ts";

export interface SwitchboardOptions {
  readonly config: Config;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Opens the store; by default the embedded one in the data folder. */
  readonly openStore?: () => Promise<Store>;
}

/** A running server. */
export interface Switchboard {
  /** Where it listens: `http://127.0.0.1:8000`. */
  readonly url: string;
  readonly devices: Devices;
  readonly apiTokens: ApiTokens;
  readonly log: Log;
  /** Ends everything in order: no new links, links closed with 1012, samples stored, store closed. Within `graceMs`. */
  stop(): Promise<void>;
}

/** A command of the command line has the folder for some milliseconds; a start waits for it this long. */
const folderWaitMs = 1_000;
/** A stop takes no longer than this, ms. */
const stopMsMax = 10_000;
const linksCloseMsMax = 3_000;

/**
 * Builds the whole server in order, and opens it. The only place that names concrete adapters. Throws a `Failure`: `data_dir_in_use`,
 * `data_dir_not_writable`, `store_failed`, `port_in_use`, `address_not_available`.
 */
export async function startSwitchboard(options: SwitchboardOptions): Promise<Switchboard> {
  const { config, clock = systemClock, log = createLog(config.log) } = options;
  const undo: (() => unknown)[] = [];
  try {
    // What is kept.
    const accessFile = openAccessFile(config.data_dir, { waitMs: folderWaitMs });
    undo.push(() => accessFile.close());
    // A server that was killed left its own behind, and nobody must find that address while this one starts.
    removeControlFile(config.data_dir);
    const devices = new Devices(accessFile, clock);
    const apiTokens = new ApiTokens(accessFile, clock);
    const openStore = options.openStore ?? (() => openConfiguredStore(config, clock, log));
    const store = await openStore();
    undo.push(() => store.close());

    // The straight line.
    const health = new Health();
    const events = new Events(clock, log, store);
    const latest = new Latest();
    for (const sample of await store.latest()) {
      const device = devices.find(sample.deviceId);
      // A device that was removed and added again does not take up where the old one ended.
      if (device !== undefined && sample.receivedAtMs >= device.createdAtMs) restoreLatest(latest, sample);
    }
    const registry = new Registry(
      clock,
      { takeoversMax: config.takeover.max, takeoverWindowMs: config.takeover.window_ms },
      {
        presenceChanged(deviceId) {
          fleetFeed.markChanged(deviceId);
          presence.changed(deviceId);
        },
      },
    );
    const presence = new PresenceLog(clock, events, (deviceId) => registry.find(deviceId) !== undefined);
    undo.push(() => presence.stop());
    await restorePresence(presence, store, devices, latest);
    const fleetFeed = new FleetFeed(
      clock,
      latest,
      {
        find: (deviceId) => devices.find(deviceId),
        ids: () => devices.ids(),
        isOnline: (deviceId) => registry.find(deviceId) !== undefined,
      },
      { fleetTickMs: config.fleet.tick_ms, fleetRowsPerTickMax: config.fleet.rows_per_tick },
    );
    undo.push(() => fleetFeed.stop());
    const throttle = new Throttle(clock, 10_000);
    let unstoredCount = 0;
    const fanout = new Fanout();
    const journal = new Journal(
      store,
      clock,
      {
        flushMs: config.store.flush_ms,
        flushBytes: config.store.flush_bytes,
        queueBytesMax: config.store.queue_bytes,
      },
      {
        committed(samples, tookMs) {
          metrics.store.commitSeconds.observe(tookMs / 1_000);
          metrics.store.committed.inc(samples);
          // A store that only just keeps up with a full queue has not recovered; half empty it has, and does not flap.
          if (journal.queuedBytes > config.store.queue_bytes / 2) return;
          if (health.noteStore(null)) events.report("store_recovered", null, "The store takes samples again.");
        },
        failed(error) {
          metrics.store.failures.inc();
          const reason = error instanceof Error ? error.message : String(error);
          if (health.noteStore(reason)) {
            events.report(
              "store_failing",
              null,
              `${reason} Live delivery goes on; samples wait, and are tried again every second.`,
            );
          }
        },
        unstored(samples) {
          unstoredCount += samples;
          // Each time, not only when an event is due: the queue may have been emptied and be full again.
          health.noteStore("the queue to the store is full");
          if (throttle.pass("unstored") === null) return;
          events.report(
            "samples_unstored",
            null,
            `The queue to the store is full: samples are shown but not stored (${unstoredCount} so far).`,
          );
        },
      },
    );
    const ingest = new Ingest(clock, fanout, journal, {
      deviceChanged: (deviceId) => fleetFeed.markChanged(deviceId),
      dropped(device, refusal) {
        const suppressed = throttle.pass(`dropped ${device.deviceId}`);
        if (suppressed === null) return;
        log.warn({ device_id: device.deviceId, code: refusal.code, suppressed }, `message dropped: ${refusal.message}`);
      },
    });

    // The doors.
    const localToken = randomBytes(32).toString("base64url");
    const gate = new Gate(
      {
        dashboards: config.access.dashboards,
        origins: config.access.origins,
        loopbackOnly: isLoopbackName(config.host),
        localToken,
      },
      apiTokens,
    );
    const heartbeat = new Heartbeat(clock);
    undo.push(() => heartbeat.stop());
    const links = new Links();
    const context: DoorContext = {
      clock,
      gate,
      heartbeat,
      links,
      log,
      throttle,
      webSocketServer: createWebSocketServer(),
      linkLimits: {
        pingMs: config.heartbeat.ping_ms,
        pongMsMax: config.heartbeat.pong_ms,
        outboxBytesMax: config.outbox.bytes,
        outboxStalledMsMax: config.outbox.stalled_ms,
      },
    };
    const addresses = new AddressLimit(config.limits.sockets_per_address);
    const router = new UpgradeRouter(
      {
        device: new DeviceDoor(
          context,
          { devices, registry, latest, ingest, events },
          { messagesPerSecond: config.limits.messages_per_second, messagesBurst: config.limits.messages_burst },
          ({ socket }) => addresses.give(socket),
        ),
        dashboard: createDashboardDoor(context, latest, fanout),
        fleet: createFleetDoor(context, fleetFeed),
      },
      { health, log, throttle },
      addresses,
    );
    const metrics = createMetrics({
      *samples() {
        yield { labels: { result: "accepted" }, value: ingest.acceptedCount };
        yield { labels: { result: "unstored" }, value: unstoredCount };
        // From the start, also those that are still 0: a rate needs a beginning.
        for (const [result, listed] of Object.entries(refusals)) {
          if ("status" in listed) continue;
          yield { labels: { result }, value: ingest.droppedCounts.get(result as RefusalCode) ?? 0 };
        }
      },
      *connections() {
        for (const role of ["device", "dashboard", "fleet"] as const)
          yield { labels: { role }, value: links.count(role) };
      },
      *refusedHandshakes() {
        for (const [key, value] of links.refusedCounts) {
          const [door = "", code = ""] = key.split(" ");
          yield { labels: { door, code }, value };
        }
        yield { labels: { door: "any", code: "too_many_sockets" }, value: router.refusedSocketCount };
      },
      deliveries: () => [{ value: fanout.deliveryCount }],
      slowReaders: () => [{ value: links.slowReaderCount }],
      takeovers: () => [{ value: registry.takeoverCount }],
      devices: () => [{ value: devices.list().length }],
      queuedBytes: () => [{ value: journal.queuedBytes }],
    });
    const app = await createHttpDoor(
      {
        apiTokens,
        clock,
        devices,
        events,
        fleetFeed,
        gate,
        health,
        latest,
        log,
        metrics: metrics.registry,
        presence,
        registry,
        store,
        throttle,
        timeZone: config.site.time_zone,
      },
      {
        handshakeMsMax: config.limits.handshake_ms,
        queryMsMax: config.limits.query_ms,
        socketsMax: config.limits.sockets,
      },
    );
    undo.push(() => app.close());
    router.attach(app.server);

    // Open.
    try {
      await app.listen({ host: config.host, port: config.port, backlog: 4_096 });
    } catch (error) {
      throw listenFailure(error, config);
    }
    const url = `http://${urlHost(config.host)}:${(app.server.address() as AddressInfo).port}`;
    writeControlFile(config.data_dir, {
      url: url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:"),
      token: localToken,
    });
    health.started();
    warnOfOldSqlite(log);
    log.info({ url, data_dir: config.data_dir, devices: devices.list().length }, "wattboard is ready");

    const stop = async (): Promise<void> => {
      // All timers of the clock let the process end; while samples still wait for the store it must not.
      const awake = setInterval(() => {}, stopMsMax);
      health.stopping();
      removeControlFile(config.data_dir);
      log.info({ links: links.all().length }, "stopping");
      const startedAtMs = clock.monotonicMs();
      presence.stop();
      for (const link of links.all()) link.close(disconnects.restarting);
      await untilNoLinks(links, clock);
      for (const link of links.all()) link.terminate();
      await app.close();
      const leftMs = (): number => Math.max(0, stopMsMax - 1_000 - (clock.monotonicMs() - startedAtMs));
      const unstored = await journal.close(leftMs());
      if (unstored > 0) log.error({ unstored }, "the store did not take these samples in time; they were never acked");
      await events.close(Math.min(1_000, leftMs()));
      fleetFeed.stop();
      heartbeat.stop();
      await closeWithin(leftMs(), store, clock).catch((error: unknown) =>
        log.error({ err: error }, "the store did not close"),
      );
      accessFile.close();
      clearInterval(awake);
      log.info("stopped");
    };
    let stopped: Promise<void> | null = null;
    return { url, devices, apiTokens, log, stop: () => (stopped ??= stop()) };
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

/** The store that `store.url` names; says what it is, and warns of what it cannot do. */
async function openConfiguredStore(config: Config, clock: Clock, log: Log): Promise<Store> {
  if (config.store.url === "embedded") return await EmbeddedStore.open(config.data_dir, storeLimits(config));
  const retentionMs = storeLimits(config).retentionMs;
  const store = await TimescaleStore.open({ url: config.store.url, retentionMs, clock });
  if (store.missing === null) log.info(`samples are kept in ${store.description}`);
  else log.warn(`samples are kept in ${store.description}`);
  return store;
}

/** The embedded store's bounds, as they are set. */
export function storeLimits({ store }: Config): BlockStoreLimits {
  return {
    openBytesMax: store.memory_bytes,
    journalBytesMax: store.journal_bytes,
    retentionMs: store.retention_days * 86_400_000,
    bytesMax: store.bytes,
  };
}

/** Events looked through at the start for when each device came or went. */
const presenceEventsMax = 20_000;

/** Takes up presence where the server before this one ended. */
async function restorePresence(presence: PresenceLog, store: Store, devices: Devices, latest: Latest): Promise<void> {
  const seen = new Set<string>();
  for (const { kind, deviceId, atMs } of await store.events({ limit: presenceEventsMax })) {
    if (deviceId === null || seen.has(deviceId) || (kind !== "connected" && kind !== "disconnected")) continue;
    seen.add(deviceId);
    const device = devices.find(deviceId);
    if (device === undefined || atMs < device.createdAtMs) continue;
    presence.restore(deviceId, kind, atMs, latest.find(deviceId)?.latest?.receivedAtMs ?? null);
  }
}

/** Closes the store; rejects where it fails, or takes longer than that. What it has committed is safe either way. */
function closeWithin(graceMs: number, store: Store, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    clock.after(graceMs, () => reject(new Failure("store_failed", "The store did not answer in time.")));
    store.close().then(resolve, reject);
  });
}

/** Resolves when every link has ended, or after a while. */
function untilNoLinks(links: Links, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const deadlineMs = clock.monotonicMs() + linksCloseMsMax;
    const cancel = clock.every(20, () => {
      if (links.all().length > 0 && clock.monotonicMs() < deadlineMs) return;
      cancel();
      resolve();
    });
  });
}

/** The release with the last fix of a fault that could corrupt a write-ahead log. */
const soundSqlite = [3, 51, 3];

function warnOfOldSqlite(log: Log): void {
  const version = process.versions.sqlite ?? "0";
  const parts = version.split(".").map(Number);
  const differing = soundSqlite.findIndex((part, at) => (parts[at] ?? 0) !== part);
  if (differing === -1 || (parts[differing] ?? 0) > (soundSqlite[differing] ?? 0)) return;
  log.warn(
    { sqlite: version },
    "this Node brings an SQLite older than 3.51.3, which can corrupt a write-ahead log; Node 24.21 brings a sound one",
  );
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function listenFailure(error: unknown, { host, port }: Config): Failure {
  const code = systemErrorCode(error);
  if (code === "EADDRINUSE") {
    return new Failure(
      "port_in_use",
      `Port ${port} on ${host} is taken. Stop what listens there, or choose another with --port.`,
      error,
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new Failure(
    "address_not_available",
    `Cannot listen on ${host}:${port}: ${reason}. Check --host and --port.`,
    error,
  );
}
