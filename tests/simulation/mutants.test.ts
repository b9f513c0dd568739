/**
 * Whether the simulation finds what it is for. Each mutant is one mistake in the code under test, made by wrapping a method while the test runs; the
 * simulation must object within a few seeds, and has nothing to say against the code as it is.
 */

import { SeqRanges } from "@wattboard/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { Flight } from "../../packages/device/dist/flight.js";
import { DeviceJournal } from "../../packages/server/dist/devices/device-journal.js";
import { DeviceSession } from "../../packages/server/dist/devices/device-session.js";
import { DeviceJournals } from "../../packages/server/dist/store/embedded/device-journals.js";
import { Tables } from "../../packages/server/dist/store/embedded/tables.js";
import { BackfillPace } from "../../packages/server/dist/telemetry/backfill-pace.js";
import { Journals } from "../../packages/server/dist/telemetry/journals.js";
import { StoreQueue } from "../../packages/server/dist/telemetry/store-queue.js";
import type { DeviceKind } from "./device-process.ts";
import type { ModelMutation } from "./model-device.ts";
import { simulate } from "./simulate.ts";

const seedsMax = 40;
/** Of the code as it is: it must pass them all. */
const soundSeeds = 12;
const faultsMs = 90_000;

interface Mutant {
  readonly what: string;
  /** What the simulation says of it. */
  readonly objection: RegExp;
  /** Makes the mistake. */
  readonly mutate?: () => void;
  /** The mistake of a device. */
  readonly mutation?: ModelMutation | undefined;
  readonly kinds?: readonly DeviceKind[] | undefined;
}

const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0)) each();
});

/** Puts something else in the place of a method until the test ends. */
function replace<T extends object, K extends keyof T>(prototype: T, name: K, make: (original: T[K]) => T[K]): void {
  const original = prototype[name];
  prototype[name] = make(original);
  undo.push(() => {
    prototype[name] = original;
  });
}

const stored = /are stored, which is not so|no longer told/;
const unsettled = /neither stored nor declared/;
const either = /are stored, which is not so|neither stored nor declared/;

const mutants: readonly Mutant[] = [
  {
    what: "acks before the commit",
    objection: stored,
    mutate: () =>
      replace(
        StoreQueue.prototype,
        "append",
        (append) =>
          function (this: StoreQueue, device, sample, message, waiter = null, isBackfill = false) {
            const isTaken = append.call(this, device, sample, message, waiter, isBackfill);
            const mark = { batch: {}, fromSeq: sample.seq, toSeq: sample.seq, filled: null };
            if (isTaken && waiter !== null) waiter.becameDurable({ waiter, ...mark });
            return isTaken;
          },
      ),
  },
  {
    what: "commits without making sure that it is on the disk",
    objection: /no longer told|another epoch|are stored, which is not so|cannot be read/,
    mutate: () => replace(Tables.prototype, "durably", () => Tables.prototype.lazily),
  },
  {
    what: "has no fence: a replaced link's frames are taken",
    objection: /came on a link that was replaced/,
    mutate: () =>
      replace(
        DeviceSession.prototype,
        "end",
        () =>
          function (this: DeviceSession, disconnect) {
            this.link.close(disconnect);
          },
      ),
  },
  {
    what: "ignores the epoch: all journals of a device are one",
    objection: /handed to the store again|cannot be read|neither stored|did not number|which is not so/,
    mutate: () =>
      replace(
        DeviceJournals.prototype,
        "open",
        (open) =>
          function (this: DeviceJournals, key, _journalId, epoch) {
            return open.call(this, key, "the journal", epoch);
          },
      ),
  },
  {
    what: "stores what comes twice twice",
    objection: /handed to the store again/,
    mutate: () => {
      replace(DeviceJournal.prototype, "mayTake", () => () => true);
    },
  },
  {
    what: "does not store the ranges with the samples",
    objection: /no longer told|handed to the store again/,
    mutate: () => replace(DeviceJournals.prototype, "note", () => () => {}),
  },
  {
    what: "drops journal rows before what they say of the ranges is written",
    objection: /no longer told/,
    mutate: () => replace(DeviceJournals.prototype, "save", () => () => Number.POSITIVE_INFINITY),
  },
  {
    what: "has no bound of the ranges",
    objection: /ranges/,
    mutate: () =>
      replace(
        DeviceJournal.prototype,
        "mayTake",
        () =>
          function (this: DeviceJournal, seq) {
            return !this.taken.has(seq);
          },
      ),
  },
  {
    what: "does not hear of gaps",
    objection: unsettled,
    mutate: () => replace(Journals.prototype, "gap", () => () => null),
  },
  {
    what: "passes a number over that no device has declared",
    objection: either,
    mutate: () =>
      replace(
        SeqRanges.prototype,
        "add",
        (add) =>
          function (this: SeqRanges, from, to = from) {
            add.call(this, from > 1 && this.last === from - 2 ? from - 1 : from, to);
          },
      ),
  },
  {
    what: "tells who misses nothing at its hello never to send anything again",
    objection: unsettled,
    mutate: () => replace(BackfillPace.prototype, "begin", () => () => 0),
  },
  {
    what: "a device hides what its journal had no room for",
    objection: unsettled,
    mutation: { hidesGaps: true },
    kinds: ["model"],
  },
  { what: "a device does not send again", objection: unsettled, mutation: { neverResends: true }, kinds: ["model"] },
  {
    what: "the SDK does not send again",
    objection: unsettled,
    kinds: ["sdk", "sdk-memory"],
    mutate: () => {
      replace(Flight.prototype, "settle", () => () => {});
      replace(Flight.prototype, "forgetBefore", () => () => {});
    },
  },
];

/** The first objection within a few seeds; null: there was none. */
async function objectionTo({ mutation, kinds }: Pick<Mutant, "mutation" | "kinds">, seeds: number) {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation } = await simulate({ seed, faultsMs, ...(mutation && { mutation }), ...(kinds && { kinds }) });
    if (violation !== null) return violation;
  }
  return null;
}

describe("the simulation objects to a server or a device that", () => {
  test.each(mutants)("$what", async ({ objection, mutate, mutation, kinds }) => {
    mutate?.();
    expect(await objectionTo({ mutation, kinds }, seedsMax)).toMatch(objection);
  });
});

test.each([["model"], ["sdk", "sdk-memory"]] as const)(
  "it does not object to devices of the kind %s as they are",
  async (...kinds) => {
    expect(await objectionTo({ kinds }, soundSeeds)).toBeNull();
  },
);
