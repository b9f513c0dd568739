import { resolve } from "node:path";
import { paths, type ServerBody, serverSchema } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import type { Clock } from "../base/clock.ts";
import { isoTime } from "../base/iso-time.ts";
import type { LoopLag } from "../base/loop-lag.ts";
import { version } from "../base/version.ts";
import type { Dispatcher } from "../commands/dispatcher.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import type { DeviceSessions } from "../devices/device-sessions.ts";
import { certificatesOf } from "../http/certificates.ts";
import { defineRoute } from "../http/define-route.ts";
import type { TlsFiles } from "../http/server.ts";
import type { SocketBound } from "../http/socket-bound.ts";
import type { Health } from "../observe/health.ts";
import type { Machine } from "../observe/machine.ts";
import type { Store } from "../store/store.ts";
import type { Fanout } from "../telemetry/fanout.ts";
import type { Ingest } from "../telemetry/ingest.ts";
import type { StoreQueue } from "../telemetry/store-queue.ts";
import type { StoreWatch } from "../telemetry/store-watch.ts";

export interface ServerParts {
  readonly clientFeed: { readonly deliveryCount: number };
  readonly clock: Clock;
  readonly commands: Dispatcher;
  readonly dataDir: string;
  readonly devices: DeviceRegistry;
  readonly fanout: Fanout;
  readonly health: Health;
  readonly ingest: Ingest;
  readonly links: { readonly viewerCount: number; readonly slowReaderCount: number };
  readonly loopLag: LoopLag;
  readonly machine: Machine;
  readonly publicUrl: string | null;
  readonly registry: DeviceSessions;
  readonly socketBound: SocketBound;
  readonly store: Store;
  readonly storeLimits: { readonly queueBytesMax: number; readonly retentionDays: number };
  readonly storeQueue: StoreQueue;
  readonly storeWatch: StoreWatch;
  readonly timeZone: string;
  readonly tls: TlsFiles | null;
}

/** `GET /api/v1/server`: what an operator wants to know of the server itself, in one answer that asks no disk and no store. */
export function registerServerApi(app: FastifyInstance, parts: ServerParts): void {
  const startedAtMs = parts.clock.wallMs();
  app.get(
    `${paths.api}/server`,
    defineRoute({
      tag: "Administration",
      role: "admin",
      summary: "How the server itself does: store, lanes, links, disk, certificates, versions",
      answer: serverSchema,
    }),
    (_request, reply): ServerBody => {
      reply.header("Cache-Control", "no-store");
      return serverBody(parts, startedAtMs);
    },
  );
}

function serverBody(parts: ServerParts, startedAtMs: number): ServerBody {
  const { clock, devices, health, links, registry, socketBound } = parts;
  const nowMs = clock.wallMs();
  const { status, store: fault } = health.report();
  return {
    version,
    node: process.version,
    sqlite: process.versions.sqlite ?? "",
    started_at: isoTime(startedAtMs),
    now: isoTime(nowMs),
    time_zone: parts.timeZone,
    status,
    fault: fault === "ok" ? null : fault,
    public_url: parts.publicUrl,
    data_dir: resolve(parts.dataDir),
    store: storeBody(parts),
    live: liveBody(parts),
    links: {
      devices: devices.count,
      devices_online: registry.size,
      dashboards: links.viewerCount,
      sockets: socketBound.openCount,
      sockets_max: socketBound.socketsMax,
      slow_readers: links.slowReaderCount,
    },
    disk: { free_bytes: parts.machine.freeBytes },
    certificates: parts.tls === null ? [] : certificatesOf(parts.tls.cert, nowMs),
  };
}

function storeBody({ store, storeLimits, storeQueue, storeWatch }: ServerParts): ServerBody["store"] {
  return {
    description: store.description,
    queued_bytes: storeQueue.queuedBytes,
    queued_bytes_max: storeLimits.queueBytesMax,
    unanswered_ms: Math.round(storeQueue.unansweredMs),
    stored_at: storeWatch.storedAtMs === null ? null : isoTime(storeWatch.storedAtMs),
    unstored: storeWatch.unstoredCount,
    renewed_share: storeWatch.renewedShare,
    retention_days: storeLimits.retentionDays,
  };
}

function liveBody({ clientFeed, clock, commands, fanout, ingest, loopLag }: ServerParts): ServerBody["live"] {
  return {
    accepted: ingest.acceptedCount,
    dropped: [...ingest.droppedCounts.values()].reduce((sum, count) => sum + count, 0),
    delivered: fanout.deliveryCount + clientFeed.deliveryCount,
    stalled_ms: Math.round(loopLag.stalledMs(clock.monotonicMs())),
    open_commands: commands.openCount,
  };
}
