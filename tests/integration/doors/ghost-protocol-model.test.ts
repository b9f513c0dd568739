import { ManualClock } from "@wattboard/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DeviceSession } from "../../../packages/server/dist/devices/device-session.js";
import { DeviceSessions } from "../../../packages/server/dist/devices/device-sessions.js";
import { DeviceStates } from "../../../packages/server/dist/devices/device-states.js";
import { firstRegistration } from "../../../packages/server/dist/store/registration.js";
import { readRecords } from "../../../packages/server/dist/store/sample-record.js";
import type { Store } from "../../../packages/server/dist/store/store.js";
import { Fanout } from "../../../packages/server/dist/telemetry/fanout.js";
import { Ingest } from "../../../packages/server/dist/telemetry/ingest.js";
import { StoreQueue } from "../../../packages/server/dist/telemetry/store-queue.js";
import { deviceDetail, samplesCounted } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { openRawDevice, type RawSocket } from "../../support/raw-socket.ts";
import { openDashboard } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

/**
 * Method: a random sequence of what links can do (connect, send, close, go half-open, close late) runs against the registry, its sessions,
 * ingest and journal, with links that are only notes. Beside it runs a model of a few lines: who is current, and what must have been
 * published. After every step both must agree. fast-check prints the seed of a failure.
 */

const deviceIds = ["ems_001", "ems_002"] as const;
const takeoversMax = 3;
const takeoverWindowMs = 10_000;

interface FakeLink {
  readonly deviceId: string;
  readonly session: DeviceSession;
  /** The socket is there, as far as TCP knows; half-open links never end by themselves. */
  isOpen: boolean;
  readonly closedWith: string[];
  probes: number;
}

/** What must be true, kept as simply as possible. */
class Model {
  readonly current = new Map<string, FakeLink>();
  readonly takeoversAtMs = new Map<string, number[]>();
  readonly published: string[] = [];
  fencedCount = 0;

  isContested(deviceId: string, nowMs: number): boolean {
    const recent = (this.takeoversAtMs.get(deviceId) ?? []).filter((atMs) => nowMs - atMs < takeoverWindowMs);
    return this.current.has(deviceId) && recent.length >= takeoversMax;
  }
}

type Step =
  | { readonly kind: "connect"; readonly device: number }
  | { readonly kind: "send"; readonly link: number; readonly count: number }
  | { readonly kind: "close"; readonly link: number }
  | { readonly kind: "pass"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("connect" as const), device: fc.nat(deviceIds.length - 1) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      link: fc.nat(30),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  // The socket's end, however late; a link that is never closed is half-open.
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("close" as const), link: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 12_000 }) }) },
);

test("whatever links do in whatever order, the registry agrees with a small model, and only the current link is heard", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 80 }), async (steps) => {
      const clock = new ManualClock();
      const stored: { deviceId: string; epoch: number; seq: number; number: string }[] = [];
      const store = collectingStore(stored);
      const presence = new Map<string, boolean>();
      const registry = new DeviceSessions(clock, { takeoversMax, takeoverWindowMs });
      registry.watch({
        presenceChanged: (deviceId) => presence.set(deviceId, registry.find(deviceId) !== undefined),
      });
      const limits = { keptBytesMax: 1_024, resumeBytesMax: 1_024 };
      const fanout = new Fanout(
        clock,
        () => "1",
        (deviceId) => presence.get(deviceId) === true,
        limits,
      );
      const journal = new StoreQueue(
        store,
        clock,
        { flushMs: 250, flushBytes: 64 * 1024, queueBytesMax: 1024 * 1024 },
        { committed() {}, failed() {}, unstored() {} },
      );
      const ingest = new Ingest(clock, [fanout, journal], { dropped() {}, leftOut() {}, clockChanged() {} }, () => {});
      const latest = new DeviceStates();
      const published: string[] = [];
      for (const deviceId of deviceIds) {
        fanout.subscribe(deviceId, {
          send: (frame) => published.push(textOf(frame)),
        });
      }
      const links: FakeLink[] = [];
      const model = new Model();
      let lastNumber = 0;

      for (const each of steps) {
        const nowMs = clock.monotonicMs();
        if (each.kind === "pass") clock.advance(each.ms);
        if (each.kind === "connect") {
          const deviceId = deviceIds[each.device] ?? "ems_001";
          const incumbent = model.current.get(deviceId);
          const isContested = model.isContested(deviceId, nowMs);
          const probesBefore = incumbent?.probes ?? 0;
          const waitMs = registry.contestedMs(deviceId);
          expect(waitMs > 0).toBe(isContested);
          if (isContested) {
            expect(waitMs).toBeLessThanOrEqual(takeoverWindowMs);
            expect(incumbent?.probes).toBe(probesBefore + 1);
          } else {
            const notes = { isOpen: true, closedWith: [] as string[], probes: 0 };
            const { session, replaced } = registry.takeOver(deviceId, {
              close: ({ code, reason }) => notes.closedWith.push(`${code} ${reason}`),
              probe: () => link.probes++,
            });
            const link: FakeLink = Object.assign(notes, { deviceId, session });
            links.push(link);
            // In the same turn in which the newer one is registered.
            expect(replaced).toBe(incumbent?.session);
            if (incumbent !== undefined) {
              expect(incumbent.closedWith).toEqual(["1008 replaced"]);
              model.takeoversAtMs.set(deviceId, [...(model.takeoversAtMs.get(deviceId) ?? []), nowMs]);
            }
            model.current.set(deviceId, link);
          }
        }
        const link = each.kind === "send" || each.kind === "close" ? links[each.link % links.length] : undefined;
        if (link !== undefined && each.kind === "send" && link.isOpen) {
          const isCurrent = model.current.get(link.deviceId) === link;
          for (let count = 0; count < each.count; count++) {
            const text = JSON.stringify({
              device_id: link.deviceId,
              timestamp: new Date(clock.wallMs()).toISOString(),
              solar: { power: ++lastNumber },
            });
            ingest.receive(
              latest.of({ ...link, properties: {}, registration: firstRegistration(link.deviceId) }),
              link.session,
              Buffer.from(text),
            );
            if (isCurrent) model.published.push(text);
            else model.fencedCount++;
          }
        }
        if (link !== undefined && each.kind === "close" && link.isOpen) {
          link.isOpen = false;
          registry.release(link.session);
          if (model.current.get(link.deviceId) === link) model.current.delete(link.deviceId);
        }

        expect(registry.size).toBe(model.current.size);
        for (const deviceId of deviceIds) {
          expect(registry.find(deviceId)).toBe(model.current.get(deviceId)?.session);
          expect(presence.get(deviceId) ?? false).toBe(model.current.has(deviceId));
        }
        // Everyone who was replaced was told so once; nobody else was told anything.
        for (const { session, closedWith } of links)
          expect(closedWith.length).toBeLessThanOrEqual(session.fenced ? 1 : 0);
        expect(published).toEqual(model.published);
        expect(ingest.droppedCounts.get("fenced") ?? 0).toBe(model.fencedCount);
      }

      await journal.close(1_000);
      expect(stored.map(({ number }) => number)).toEqual(model.published);
      // (epoch, seq) names a sample for ever, and tells the order: it only grows.
      for (const deviceId of deviceIds) {
        const names = stored
          .filter((each) => each.deviceId === deviceId)
          .map(({ epoch, seq }) => [epoch, seq] as const);
        for (const [at, [epoch, seq]] of names.entries()) {
          const before = names[at - 1];
          if (before !== undefined)
            expect(epoch > before[0] ? seq === 0 : epoch === before[0] && seq === before[1] + 1).toBe(true);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("over real sockets too: random connects, bursts, ends and half-open sockets leave the last one, and nothing of the others comes after it", async () => {
  const server = await startServer({ settings: { "takeover.max": "1000", "limits.messages_burst": "100000" } });
  let run = 0;
  const action = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ kind: "connect" as const, count: 0 }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("burst" as const), count: fc.integer({ min: 1, max: 20 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("old sends" as const), count: fc.integer({ min: 1, max: 5 }) }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "end" as const, count: 0 }) },
    { weight: 1, arbitrary: fc.constant({ kind: "old ends" as const, count: 0 }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 2, maxLength: 14 }), async (actions) => {
      const deviceId = `model_${++run}`;
      const token = server.addDevice(deviceId);
      const dashboard = await openDashboard(server.wsUrl, deviceId);
      const links: RawSocket[] = [];
      let current: RawSocket | null = null;
      let number = 0;
      const tooLate: number[] = [];
      const wanted: number[] = [];
      /** Sent on a link that is current yet, but may be replaced before the server has read them. */
      let unsettled: number[] = [];
      const fencedBefore = await samplesCounted(server, "fenced");
      for (const { kind, count } of actions) {
        if (kind === "connect") {
          current = await openRawDevice(server.url, deviceId, token);
          links.push(current);
          unsettled = [];
        }
        if (kind === "burst" && current !== null) {
          for (let sent = 0; sent < count; sent++) {
            current.send(sampleOf(deviceId, { solar: { power: ++number } }));
            unsettled.push(number);
          }
        }
        const old = links.length > 1 ? links[links.length - 2] : undefined;
        if (kind === "old sends" && old?.socket.writable === true) {
          for (let sent = 0; sent < count; sent++) {
            old.send(sampleOf(deviceId, { solar: { power: ++number } }));
            tooLate.push(number);
          }
        }
        if (kind === "old ends") old?.socket.end();
        if (kind === "end" && current !== null) {
          // In order behind what it sent: all of that counts.
          current.socket.end();
          wanted.push(...unsettled);
          unsettled = [];
          await eventually(async () => expect((await deviceDetail(server, deviceId)).online).toBe(false));
          current = null;
        }
      }
      wanted.push(...unsettled);
      const isOnline = current !== null;
      await eventually(() => expect(powersOf(dashboard.received)).toEqual(expect.arrayContaining(wanted)));
      await eventually(async () =>
        expect((await samplesCounted(server, "fenced")) - fencedBefore).toBeGreaterThanOrEqual(tooLate.length),
      );
      const shown = powersOf(dashboard.received);
      expect(shown).toEqual(shown.toSorted((a, b) => a - b));
      expect(new Set(shown).size).toBe(shown.length);
      expect(shown.filter((each) => tooLate.includes(each))).toEqual([]);
      expect((await deviceDetail(server, deviceId)).online).toBe(isOnline);
      for (const link of links) link.socket.destroy();
      dashboard.webSocket.terminate();
    }),
    { numRuns: 25, endOnFailure: true },
  );
});

function powersOf(frames: readonly string[]): number[] {
  return frames.map((frame) => JSON.parse(frame).solar.power);
}

/** The payload of a short unmasked frame. */
function textOf(frame: Uint8Array): string {
  return Buffer.from(frame)
    .subarray((frame[1] ?? 0) < 126 ? 2 : 4)
    .toString();
}

/** A store that only takes samples: nobody asks it anything in this test. */
function collectingStore(into: { deviceId: string; epoch: number; seq: number; number: string }[]): Store {
  const store: Partial<Store> = {
    append: async (batches) => {
      for (const { key, epoch, seq, message } of readRecords(Buffer.concat(batches))) {
        into.push({ deviceId: key, epoch, seq, number: Buffer.from(message).toString() });
      }
    },
    latest: async () => [],
    close: async () => {},
  };
  return store as Store;
}
