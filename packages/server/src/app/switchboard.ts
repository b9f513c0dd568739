import { randomBytes } from "node:crypto";
import type { Server as TlsServer } from "node:https";
import { join } from "node:path";
import {
  commandStatuses,
  disconnects,
  type RefusalCode,
  refusals,
  type ValueFault,
  valueFaults,
} from "@wattboard/protocol";
import { accessFileName } from "../access/access-file.ts";
import { AddressLimit } from "../access/address-limit.ts";
import { AddressList } from "../access/address-list.ts";
import { ApiTokens } from "../access/api-tokens.ts";
import { Audit } from "../access/audit/audit.ts";
import { Authorizer, isLoopbackName } from "../access/authorizer.ts";
import { removeControlFile, writeControlFile } from "../access/control-file.ts";
import { KnownBrowsers } from "../access/known-browsers.ts";
import { LoginSessions } from "../access/login-sessions.ts";
import { type IssuedLink, OneTimeLinks } from "../access/one-time-links.ts";
import { Outstanding, outstandingAccess } from "../access/outstanding.ts";
import { Passwords } from "../access/passwords.ts";
import { People } from "../access/people.ts";
import { Requesters } from "../access/requesters.ts";
import { Revocations } from "../access/revocations.ts";
import { ShareLinks } from "../access/share-links.ts";
import { SignIn } from "../access/sign-in.ts";
import { TrustedProxies } from "../access/trusted-proxies.ts";
import { outstandingCommands } from "../api/outstanding-commands.ts";
import { outstandingEntry } from "../api/outstanding-end.ts";
import { registerApi } from "../api/register-api.ts";
import { type CancelTimer, type Clock, systemClock } from "../base/clock.ts";
import { copyDatabase } from "../base/copy-database.ts";
import { databaseFault, readingFrom } from "../base/database-file.ts";
import { Failure } from "../base/failure.ts";
import { LoopLag } from "../base/loop-lag.ts";
import { folderGone } from "../base/open-files.ts";
import { requesterText } from "../base/requester.ts";
import { version } from "../base/version.ts";
import { commandsFileName } from "../commands/command-database.ts";
import { CommandJournal } from "../commands/command-journal.ts";
import { requesterOf } from "../commands/command-record.ts";
import { CommandStoreClient } from "../commands/command-store-client.ts";
import { Dispatcher } from "../commands/dispatcher.ts";
import type { Config } from "../config/config.ts";
import { DeviceRegistry, propertiesOf } from "../devices/device-registry.ts";
import { DeviceSessions } from "../devices/device-sessions.ts";
import { DeviceStates } from "../devices/device-states.ts";
import { FleetRows } from "../devices/fleet-rows.ts";
import { Peers } from "../devices/peers.ts";
import { Presence } from "../devices/presence.ts";
import { WaitingDevices } from "../devices/waiting-devices.ts";
import { ClientFeed } from "../dialects/smart-os/client-feed.ts";
import { Dataset } from "../dialects/smart-os/dataset.ts";
import { SmartOsClientDoor } from "../dialects/smart-os/smart-os-client-door.ts";
import { SmartOsDeviceDoor } from "../dialects/smart-os/smart-os-device-door.ts";
import { CommandProgress } from "../doors/command-progress.ts";
import { DeviceDoor } from "../doors/device-door.ts";
import { type DoorContext, Links } from "../doors/door.ts";
import { doorNames } from "../doors/door-name.ts";
import { Floods } from "../doors/floods.ts";
import { createWebSocketServer } from "../doors/upgrade.ts";
import { UpgradeRouter } from "../doors/upgrade-router.ts";
import { createDashboardDoor, createFleetDoor } from "../doors/viewer-door.ts";
import { AnswerBudget } from "../http/answer-budget.ts";
import { AuthorizationWatch } from "../http/authorization-watch.ts";
import { listen } from "../http/listen.ts";
import { createHttpServer } from "../http/server.ts";
import { SocketBound, socketLimits } from "../http/socket-bound.ts";
import { assertNotInTheClear, readTls } from "../http/tls-files.ts";
import { Heartbeat } from "../link/heartbeat.ts";
import { ClockWatch } from "../observe/clock-watch.ts";
import { Events } from "../observe/events.ts";
import { FolderWatch } from "../observe/folder-watch.ts";
import { GeneralLog } from "../observe/general-log.ts";
import { Health, publicFault } from "../observe/health.ts";
import { createLog, type Log } from "../observe/log.ts";
import { descriptorsMax, descriptorsOpen, Machine } from "../observe/machine.ts";
import { createMetrics } from "../observe/metrics.ts";
import { warnOfOldSqlite } from "../observe/sqlite-version.ts";
import { Throttle } from "../observe/throttle.ts";
import { RolloutManager } from "../rollouts/rollout-manager.ts";
import type { BlockStoreLimits } from "../store/embedded/block-store.ts";
import { EmbeddedStore } from "../store/embedded/embedded-store.ts";
import { storeFileName } from "../store/embedded/schema.ts";
import { PendingStore } from "../store/pending-store.ts";
import { PostgresStore } from "../store/postgres/postgres-store.ts";
import type { Store } from "../store/store.ts";
import { Fanout } from "../telemetry/fanout.ts";
import { FleetFeed } from "../telemetry/fleet-feed.ts";
import { Ingest } from "../telemetry/ingest.ts";
import { PeerFeed } from "../telemetry/peer-feed.ts";
import type { SampleSink } from "../telemetry/sample-sink.ts";
import { StoreQueue } from "../telemetry/store-queue.ts";
import { dataFiles, openDataFolder } from "./data-folder.ts";
import { restorePresence, restoreSamples, restoreWhenPossible } from "./restore.ts";
import { closeWithin, saveAllReported, untilNoLinks } from "./stopping.ts";

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
  readonly devices: DeviceRegistry;
  readonly apiTokens: ApiTokens;
  readonly audit: Audit;
  readonly knownBrowsers: KnownBrowsers;
  readonly outstanding: Outstanding;
  readonly people: People;
  readonly revocations: Revocations;
  readonly oneTimeLinks: OneTimeLinks;
  readonly sessions: LoginSessions;
  readonly shareLinks: ShareLinks;
  readonly log: Log;
  /** The link that creates the administrator, behind `url`; null where there is one. A start makes a new one. */
  readonly setupLink: IssuedLink | null;
  /**
   * Opens log files anew, and reads certificate and key anew: new connections get them. Throws a `Failure` (`invalid_config`) where those do not
   * fit, and goes on with the old ones.
   */
  reload(): void;
  /** Ends everything in order: no new links, links closed with 1012, samples stored, store closed. Within `graceMs`. */
  stop(): Promise<void>;
}

/** A command of the command line has the folder for some milliseconds; a start waits for it this long. */
const folderWaitMs = 1_000;
/** A start waits so long for a database, and goes on without it then, ms. */
const databaseWaitMs = 5_000;
/** A store that has not answered for so long, ms, counts as failing; it is looked at this often. */
const storeSilentMsMax = 5_000;
const storeLookMs = 1_000;
/** A stop takes no longer than this, ms. */
const stopMsMax = 10_000;
/** What was taken back while the disk was full is tried to be written where it belongs this often, ms. */
const settleMs = 5_000;
/** What devices say of themselves is written down this often, ms. */
const saveReportedMs = 5_000;

/**
 * Builds the whole server in order, and opens it. The only place that names concrete adapters. Throws a `Failure`: `data_dir_in_use`,
 * `data_dir_not_writable`, `store_failed`, `audit_failed`, `port_in_use`, `address_not_available`, `invalid_config`.
 */
export async function startSwitchboard(options: SwitchboardOptions): Promise<Switchboard> {
  const { config, clock = systemClock, log = createLog(config.log) } = options;
  const undo: (() => unknown)[] = [];
  const proxies = new TrustedProxies(config.access.trusted_proxies);
  const metricsFrom = new AddressList("access.metrics_from", config.access.metrics_from);
  const tls = readTls(config);
  assertNotInTheClear(config);
  try {
    // What is kept.
    const accessFile = openDataFolder(config.data_dir, {
      waitMs: folderWaitMs,
      tell: (what) => log.warn(what),
    });
    undo.push(() => accessFile.close());
    // A server that was killed left its own behind, and nobody must find that address while this one starts.
    removeControlFile(config.data_dir);
    const revocations = new Revocations(config.data_dir);
    undo.push(() => revocations.close());
    const { devices, apiTokens, people, requesters, sessions, oneTimeLinks, shareLinks, knownBrowsers } = readingFrom(
      join(config.data_dir, accessFileName),
      () => {
        const people = new People(accessFile, clock, revocations);
        const apiTokens = new ApiTokens(accessFile, clock, people, revocations);
        const requesters = new Requesters({ people, apiTokens });
        return {
          devices: new DeviceRegistry(accessFile, clock, revocations),
          apiTokens,
          people,
          requesters,
          sessions: new LoginSessions(accessFile, clock, config.access.session_ms, revocations),
          oneTimeLinks: new OneTimeLinks(accessFile, clock, requesters, revocations),
          shareLinks: new ShareLinks(accessFile, clock, requesters, revocations),
          knownBrowsers: new KnownBrowsers(accessFile, clock),
        };
      },
    );
    const audit = new Audit(config.data_dir, clock, {
      rowsMax: config.audit.rows,
      archivesMax: config.audit.archives,
    });
    undo.push(() => audit.close());
    const settleRevocations = (): boolean => revocations.settle((owed) => audit.recordOwed(owed));
    settleRevocations();
    const cancelSettling = clock.every(settleMs, settleRevocations);
    undo.push(cancelSettling);
    const openStore = options.openStore ?? (() => openConfiguredStore(config, clock, log));
    // A database that does not answer must not keep the live lane waiting; the embedded store says at once where it cannot be opened.
    const patienceMs = config.store.url === "embedded" ? Number.POSITIVE_INFINITY : databaseWaitMs;
    const store = await PendingStore.open(clock, openStore, patienceMs);
    undo.push(() => store.close());
    const commandStore = await CommandStoreClient.open(config.data_dir);
    undo.push(() => commandStore.close());

    // The straight line.
    const health = new Health();
    const events = new Events(clock, log, store);
    const latest = new DeviceStates(config.limits.points, (deviceId) => devices.find(deviceId)?.properties ?? {});
    devices.watch(({ deviceId, properties }) => latest.rate(deviceId, properties));
    const registry = new DeviceSessions(
      clock,
      { takeoversMax: config.takeover.max, takeoverWindowMs: config.takeover.window_ms },
      {
        presenceChanged(deviceId) {
          fleetFeed.markChanged(deviceId);
          presence.changed(deviceId);
        },
      },
    );
    const presence = new Presence(clock, events, (deviceId) => registry.find(deviceId) !== undefined);
    undo.push(() => presence.stop());
    const fleetRows = new FleetRows(latest, {
      find(deviceId) {
        const device = devices.find(deviceId);
        return device === undefined ? undefined : { name: device.name, properties: propertiesOf(device) };
      },
      ids: () => devices.ids(),
      isOnline: (deviceId) => registry.find(deviceId) !== undefined,
    });
    const fleetFeed = new FleetFeed(clock, fleetRows, {
      fleetTickMs: config.fleet.tick_ms,
      fleetRowsPerTickMax: config.fleet.rows_per_tick,
    });
    undo.push(() => fleetFeed.stop());
    const storeFailed = (error: unknown): void => {
      const reason = error instanceof Error ? error.message : String(error);
      const fault = publicFault(error);
      if (!health.noteStore(fault)) return;
      log.error({ reason }, "the store does not take samples");
      // Whoever may see all reads the events; where a database stands is for the log.
      const shown = config.store.url === "embedded" ? reason : `The database: ${fault}.`;
      events.report("store_failing", null, `${shown} Live delivery goes on; samples wait, and are tried again.`);
    };
    const storeRecovered = (): void => {
      if (health.noteStore(null)) events.report("store_recovered", null, "The store takes samples again.");
    };
    const restore = async (): Promise<void> => {
      await restoreSamples(store, devices, latest);
      await restorePresence(presence, store, devices, latest);
    };
    const stopRestoring = await restoreWhenPossible(restore, clock, {
      failed: storeFailed,
      done() {
        for (const deviceId of devices.ids()) fleetFeed.markChanged(deviceId);
        storeRecovered();
      },
    });
    undo.push(stopRestoring);
    const clockWatch = new ClockWatch(clock, events, (stepMs) => latest.serverStepped(stepMs));
    undo.push(() => clockWatch.stop());
    const throttle = new Throttle(clock, 10_000);
    const clockThrottle = new Throttle(clock, 60 * 60_000);
    let unstoredCount = 0;
    const fanout = new Fanout();
    const storeQueue = new StoreQueue(
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
          if (storeQueue.queuedBytes > config.store.queue_bytes / 2) return;
          storeRecovered();
        },
        failed(error) {
          metrics.store.failures.inc();
          storeFailed(error);
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
    const peers = new Peers(devices, people);
    const peering = config.access.peers ? { peers, feed: new PeerFeed(clock, latest, () => peers.snapshot()) } : null;
    undo.push(() => peering?.feed.stop());

    // The dialect of SMART-OS.
    const isSmartOsOpen = config.smart_os.access !== "off";
    const dataset = new Dataset(devices, latest);
    const clientFeed = new ClientFeed();
    const waitingDevices = new WaitingDevices(clock);
    undo.push(
      clock.every(saveReportedMs, () => {
        try {
          devices.saveReported();
        } catch (error) {
          if (throttle.pass("reported properties") !== null)
            log.error({ err: error }, "what devices say of themselves");
        }
      }),
    );

    // Commands.
    const commandJournal = new CommandJournal(commandStore, clock, {
      failed(error) {
        if (throttle.pass("commands failing") === null) return;
        const reason = error instanceof Error ? error.message : String(error);
        events.report("commands_failing", null, `${reason} No new commands are taken; what is open waits.`);
      },
      recovered: () => events.report("commands_recovered", null, "Commands are taken again."),
    });
    const progress = new CommandProgress();
    const commands = new Dispatcher(
      clock,
      () => randomBytes(8).toString("hex"),
      commandStore,
      commandJournal,
      (deviceId, sinceMs) => latest.find(deviceId)?.since(sinceMs) ?? null,
      {
        mayStill: (record) => requesters.mayCommand(requesterOf(record), record.deviceId),
        record({ deviceId, commandId, action, payload, requestedBy, fleetCommandId }, address) {
          const detail = { action, payload, ...(fleetCommandId !== null && { fleet_command_id: fleetCommandId }) };
          audit.record({ who: requestedBy, address, action: "command", deviceId, target: commandId, detail });
          log.info({ device_id: deviceId, command_id: commandId, action, payload, by: requestedBy }, "command given");
        },
        stepped(record, step) {
          const { deviceId, commandId } = record;
          progress.publish(record);
          rollouts.noteStep(record, step);
          log.debug({ device_id: deviceId, command_id: commandId, status: step.status }, step.cause);
        },
        resultIgnored(deviceId, { command_id }) {
          const suppressed = throttle.pass(`result ${deviceId}`);
          if (suppressed === null) return;
          log.info({ device_id: deviceId, command_id, suppressed }, "result for a command that is not open");
        },
      },
    );
    undo.push(() => commands.stop());
    const rollouts = new RolloutManager(
      clock,
      () => randomBytes(6).toString("hex"),
      commandStore,
      commandJournal,
      commands,
      fleetRows,
      {
        mayStill: (record) => requesters.mayCommand(requesterOf(record), null),
        record(what, { fleetCommandId, action, payload, where, total }, { requester, address }) {
          const order = { action, payload, where, devices: total };
          const name = requesterText(requester);
          audit.record({ who: name, address, action: `fleet_command.${what}`, target: fleetCommandId, detail: order });
          log.info({ fleet_command_id: fleetCommandId, ...order, by: name }, `fleet command: ${what}`);
        },
      },
    );
    undo.push(() => rollouts.stop());
    const kept = await commandStore.load();
    commands.restore(kept, (deviceId, sinceMs) => {
      const device = devices.find(deviceId);
      return device !== undefined && device.createdAtMs <= sinceMs;
    });
    await rollouts.restore(kept);
    const outstanding = new Outstanding([
      outstandingAccess({ apiTokens, oneTimeLinks, requesters, shareLinks }),
      outstandingCommands(commands, rollouts, requesters),
    ]);
    // Rights may have been taken away while no server ran.
    const ended = outstanding.endRefused();
    if (ended.length > 0) audit.record({ who: "local", address: "", ...outstandingEntry(ended) });

    const sinks: SampleSink[] = [fanout, fleetFeed, commands, clientFeed, storeQueue];
    if (peering !== null) sinks.splice(2, 0, peering.feed);
    const ingest = new Ingest(clock, sinks, {
      dropped(device, refusal) {
        const suppressed = throttle.pass(`dropped ${device.deviceId}`);
        if (suppressed === null) return;
        log.warn({ device_id: device.deviceId, code: refusal.code, suppressed }, `message dropped: ${refusal.message}`);
      },
      clockChanged({ deviceId, clock: { offsetMs } }) {
        if (clockThrottle.pass(deviceId) === null) return;
        const off = `${Math.round(Math.abs(offsetMs) / 1_000)} s ${offsetMs > 0 ? "ahead" : "behind"}; its times are corrected`;
        const message = `The clock of ${deviceId} is ${offsetMs === 0 ? "right again" : off}.`;
        events.note("clock_off", deviceId, message);
        log.info({ device_id: deviceId, offset_ms: offsetMs }, message);
      },
      leftOut({ deviceId }, values) {
        const shown = values.map(({ point, fault, count }) => `${point}: ${valueFaults[fault].message} (${count})`);
        events.report("values_left_out", deviceId, `Left out of ${deviceId}'s messages: ${shown.join("; ")}`);
      },
    });

    // The doors.
    const localToken = randomBytes(32).toString("base64url");
    const authorizer = new Authorizer(
      {
        dashboards: config.access.dashboards,
        origins: config.access.origins,
        loopbackOnly: isLoopbackName(config.host),
        isInsecure: config.insecure,
        metricsFrom,
        localToken,
      },
      { apiTokens, people, sessions, shareLinks, proxies },
    );
    const passwords = new Passwords(clock);
    const signIn = new SignIn(clock, { people, passwords, sessions, knownBrowsers });
    const rightsWatch = new AuthorizationWatch(clock);
    undo.push(() => rightsWatch.stop());
    const heartbeat = new Heartbeat(clock);
    undo.push(() => heartbeat.stop());
    const loopLag = new LoopLag(clock);
    undo.push(() => loopLag.stop());
    const machine = new Machine(clock, config.data_dir);
    undo.push(() => machine.stop());
    const socketBound = boundSockets(config, clock, log, events);
    const links = new Links();
    const floods = new Floods(clock, log, events);
    const isLogged = config.log.general === "all" || (config.log.general === "smart_os" && isSmartOsOpen);
    const generalLog = isLogged
      ? new GeneralLog(clock, {
          folder: config.data_dir,
          bytesMax: config.log.general_bytes,
          onError: (error) => log.error({ err: error }, "general.log cannot be written, and ends here"),
        })
      : null;
    undo.push(() => generalLog?.close());
    const context: DoorContext = {
      clock,
      authorizer: authorizer,
      generalLog,
      heartbeat,
      links,
      log,
      loopLag,
      peering,
      authorizationWatch: rightsWatch,
      throttle,
      webSocketServer: createWebSocketServer(),
      frameATurnServer: createWebSocketServer({ frameATurn: true }),
      viewerFrameLimit: {
        perSecond: config.limits.viewer_frames_per_second,
        burst: config.limits.viewer_frames_burst,
        above: "close",
      },
      floods,
      linkLimits: {
        pingMs: config.heartbeat.ping_ms,
        pongMsMax: config.heartbeat.pong_ms,
        outboxBytesMax: config.outbox.bytes,
        outboxStalledMsMax: config.outbox.stalled_ms,
      },
    };
    const messageRate = {
      messagesPerSecond: config.limits.messages_per_second,
      messagesBurst: config.limits.messages_burst,
    };
    const addresses = new AddressLimit(config.limits.sockets_per_address, proxies);
    const router = new UpgradeRouter(
      {
        device: new DeviceDoor(
          context,
          {
            devices,
            registry,
            latest,
            ingest,
            events,
            commands,
            generalLog: config.log.general === "all" ? generalLog : null,
          },
          messageRate,
          ({ socket }) => addresses.give(socket),
        ),
        dashboard: createDashboardDoor(context, latest, fanout, progress),
        fleet: createFleetDoor(context, fleetFeed),
        update: new SmartOsDeviceDoor(
          context,
          { audit, clientFeed, commands, devices, ingest, latest, registry, waiting: waitingDevices },
          {
            access: config.smart_os.access,
            autoRegister: config.smart_os.auto_register,
            registeredMax: config.smart_os.registered_max,
            ...messageRate,
          },
          ({ socket }) => addresses.give(socket),
        ),
        client: new SmartOsClientDoor(context, dataset, clientFeed, {
          isOpen: isSmartOsOpen,
          outboxBytesMax: config.smart_os.client_bytes,
        }),
      },
      { authorizer, health, log, socketBound, throttle },
      addresses,
    );
    const budget = new AnswerBudget({ bytesMax: config.answers.bytes, bytesMaxEach: config.answers.bytes_each });
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
      *faultyValues() {
        for (const fault of Object.keys(valueFaults) as ValueFault[]) {
          yield { labels: { fault }, value: ingest.faultCounts.get(fault) ?? 0 };
        }
      },
      *connections() {
        for (const role of doorNames) yield { labels: { role }, value: links.count(role) };
      },
      *refusedHandshakes() {
        for (const [key, value] of links.refusedCounts) {
          const [door = "", code = ""] = key.split(" ");
          yield { labels: { door, code }, value };
        }
        yield { labels: { door: "any", code: "too_many_sockets" }, value: router.refusedSocketCount };
        yield { labels: { door: "any", code: "client_left" }, value: router.leftCount };
        yield { labels: { door: "any", code: "server_full" }, value: socketBound.refusedCount };
      },
      deliveries: () => [{ value: fanout.deliveryCount + clientFeed.deliveryCount }],
      *floods() {
        for (const door of doorNames) yield { labels: { door }, value: floods.counts.get(door) ?? 0 };
      },
      slowReaders: () => [{ value: links.slowReaderCount }],
      takeovers: () => [{ value: registry.takeoverCount }],
      devices: () => [{ value: devices.list().length }],
      sockets: () => [{ value: socketBound.openCount }],
      socketsMax: () => [{ value: socketBound.socketsMax }],
      openDescriptors: () => (machine.openDescriptors === null ? [] : [{ value: machine.openDescriptors }]),
      freeBytes: () => (machine.freeBytes === null ? [] : [{ value: machine.freeBytes }]),
      queuedBytes: () => [{ value: storeQueue.queuedBytes }],
      *commandSteps() {
        for (const status of Object.keys(commandStatuses) as (keyof typeof commandStatuses)[]) {
          yield { labels: { status }, value: commands.stepCounts.get(status) ?? 0 };
        }
      },
      openCommands: () => [{ value: commands.openCount }],
      answerBytes: () => [{ value: budget.held }],
      answersCut: () => [{ value: budget.cutCount }],
    });
    store.watchDamage(({ deviceId, message }) => {
      metrics.store.damages.inc();
      // A disk that fails has many places; the log and the events have one of a device's, and `store verify` names all.
      const suppressed = throttle.pass(`damaged ${deviceId}`);
      if (suppressed === null) return;
      const more = suppressed === 0 ? "" : ` ${suppressed} more since the last time.`;
      events.report(
        "store_damaged",
        deviceId,
        `Stored data cannot be read: ${message}.${more} See: wattboard store verify`,
      );
    });
    const services = {
      apiTokens,
      audit,
      budget,
      clock,
      copyRest: async (folder: string) => {
        await audit.copyTo(folder);
        await commandStore.copyTo(join(folder, commandsFileName));
        await copyDatabase(accessFile, join(folder, accessFileName));
      },
      dataDir: config.data_dir,
      commandRate: { perSecond: config.commands.per_second, burst: config.commands.burst },
      commands,
      commandStore,
      devices,
      events,
      rollouts,
      fleetFeed,
      authorizer,
      health,
      knownBrowsers,
      latest,
      log,
      metrics: metrics.registry,
      oneTimeLinks,
      outstanding,
      passwords,
      people,
      presence,
      revocations,
      queryMsMax: config.limits.query_ms,
      registry,
      rightsWatch,
      sessions,
      shareLinks,
      signIn,
      socketBound,
      store,
      throttle,
      waitingDevices,
      timeZone: config.site.time_zone,
    };
    const app = await createHttpServer(
      services,
      { handshakeMsMax: config.limits.handshake_ms, stalledMs: config.answers.stalled_ms },
      tls,
      (api) => registerApi(api, services),
    );
    undo.push(() => app.close());
    router.attach(app.server);

    const folderWatch = new FolderWatch(clock, openDatabases(config), {
      gone(name) {
        health.noteFolder(true);
        log.error({ data_dir: config.data_dir, file: name }, "the data folder is not where it was");
        events.report("data_dir_gone", null, `${folderGone(name).message} Live delivery goes on; nothing is stored.`);
      },
      back() {
        health.noteFolder(false);
        events.report("data_dir_back", null, "The data folder is where it was again, and samples are stored.");
      },
    });
    undo.push(() => folderWatch.stop());
    const stopLooking = clock.every(storeLookMs, () => {
      if (storeQueue.unansweredMs < storeSilentMsMax) return;
      storeFailed(new Failure("store_busy", `The store has not answered for ${storeSilentMsMax / 1_000} s.`));
    });
    undo.push(stopLooking);

    // Open.
    const url = await listen(app, config, tls !== null);
    let cancelPublishing: CancelTimer = () => {};
    const publishControl = (certificate: Buffer | null): void => {
      cancelPublishing();
      const content = {
        url: url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:"),
        token: localToken,
        ...(certificate !== null && { certificate: certificate.toString() }),
      };
      const write = (): boolean => tryWithRoom(() => writeControlFile(config.data_dir, content));
      if (write()) return;
      // Whoever wants to take something back while the disk is full comes this way.
      revocations.giveRoom();
      if (write()) return;
      log.warn("the disk is full: the command line of this machine cannot reach the server until there is room");
      cancelPublishing = clock.after(settleMs, () => publishControl(certificate));
    };
    publishControl(tls?.cert ?? null);
    health.started();
    warnOfOldSqlite(log);
    log.info({ version, url, data_dir: config.data_dir, devices: devices.list().length }, "wattboard is ready");

    let setupLink: IssuedLink | null = null;
    if (!people.hasAdministrator && !tryWithRoom(() => (setupLink = oneTimeLinks.issue("setup", null)))) {
      log.warn("there is no room on the disk for a link that creates the administrator: wattboard user setup-link");
    }
    const stop = async (): Promise<void> => {
      // All timers of the clock let the process end; while samples still wait for the store it must not.
      const awake = setInterval(() => {}, stopMsMax);
      health.stopping();
      stopRestoring();
      folderWatch.stop();
      stopLooking();
      cancelPublishing();
      removeControlFile(config.data_dir);
      log.info({ links: links.all().length }, "stopping");
      const startedAtMs = clock.monotonicMs();
      presence.stop();
      for (const link of links.all()) link.close(disconnects.restarting);
      await untilNoLinks(links, clock);
      for (const link of links.all()) link.terminate();
      await app.close();
      const leftMs = (): number => Math.max(0, stopMsMax - 1_000 - (clock.monotonicMs() - startedAtMs));
      const unstored = await storeQueue.close(leftMs());
      if (unstored > 0) log.error({ unstored }, "the store did not take these samples in time; they were never acked");
      await events.close(Math.min(1_000, leftMs()));
      fleetFeed.stop();
      peering?.feed.stop();
      heartbeat.stop();
      loopLag.stop();
      clockWatch.stop();
      machine.stop();
      rightsWatch.stop();
      rollouts.stop();
      commands.stop();
      if (!(await commandJournal.drain(leftMs()))) log.error("the last steps of some commands were not stored in time");
      await closeWithin(leftMs(), commandStore, clock).catch((error: unknown) =>
        log.error({ err: error }, "the commands did not close"),
      );
      await closeWithin(leftMs(), store, clock).catch((error: unknown) =>
        log.error({ err: error }, "the store did not close"),
      );
      saveAllReported(devices, log);
      if (generalLog !== null) {
        await closeWithin(leftMs(), generalLog, clock).catch((error: unknown) =>
          log.error({ err: error }, "general.log did not close"),
        );
      }
      cancelSettling();
      settleRevocations();
      audit.close();
      revocations.close();
      accessFile.close();
      clearInterval(awake);
      log.info("stopped");
    };
    let stopped: Promise<void> | null = null;
    return {
      url,
      devices,
      apiTokens,
      audit,
      knownBrowsers,
      outstanding,
      people,
      revocations,
      oneTimeLinks,
      sessions,
      shareLinks,
      log,
      setupLink,
      reload() {
        generalLog?.reopen();
        const fresh = readTls(config);
        if (fresh === null) return;
        (app.server as unknown as TlsServer).setSecureContext(fresh);
        publishControl(fresh.cert);
      },
      stop: () => (stopped ??= stop()),
    };
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

/** Runs a task that writes; false where the disk has no room for it. */
function tryWithRoom(task: () => unknown): boolean {
  try {
    task();
    return true;
  } catch (error) {
    if (databaseFault(error) !== "full") throw error;
    return false;
  }
}

/** The databases that a server has open, with their logs. */
function openDatabases({ data_dir, store }: Config): string[] {
  const names = dataFiles.map(({ name }) => name).filter((name) => name !== storeFileName || store.url === "embedded");
  return names.flatMap((name) => [join(data_dir, name), join(data_dir, `${name}-wal`)]);
}

/** As many sockets as `limits.sockets` says, or as the limit of open files leaves. */
function boundSockets({ limits }: Config, clock: Clock, log: Log, events: Events): SocketBound {
  const descriptors = descriptorsMax();
  const bounds = socketLimits(limits.sockets, descriptors, descriptorsOpen());
  if (bounds.socketsMax < limits.sockets) {
    log.warn(
      { descriptors_max: descriptors, sockets_max: bounds.socketsMax },
      "fewer sockets than limits.sockets may be open, since the limit of open files is lower: raise it (ulimit -n, LimitNOFILE=), or lower limits.sockets",
    );
  }
  return new SocketBound(clock, log, events, bounds);
}

/** The store that `store.url` names; says what it is, and warns of what it cannot do. */
export async function openConfiguredStore(config: Config, clock: Clock, log: Log): Promise<Store> {
  const throttle = new Throttle(clock, 60_000);
  const complain = (what: string): void => {
    const suppressed = throttle.pass(what);
    if (suppressed !== null) log.warn({ suppressed }, `the store: ${what}`);
  };
  if (config.store.url === "embedded") return await EmbeddedStore.open(config.data_dir, storeLimits(config), complain);
  const retentionMs = storeLimits(config).retentionMs;
  const store = await PostgresStore.open({ url: config.store.url, retentionMs, clock, complain });
  if (store.missing === null) log.info(`samples are kept in ${store.description}`);
  else log.warn(`samples are kept in ${store.description}`);
  if (!store.hasChecksums) {
    log.warn(
      "the database has no data checksums: what its disk changes is served as data. With the server of the database stopped: pg_checksums --enable",
    );
  }
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
