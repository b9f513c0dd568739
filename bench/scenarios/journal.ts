import { Plant, planFleet } from "@wattboard/simulator";
import { ManualSdkClock } from "@wattboard/testing";
import { FileJournal } from "../../packages/device/dist/file-journal.js";
import type { JournalFolder } from "../../packages/device/dist/journal-folder.js";
import { Comparisons } from "../measure/comparison.ts";
import type { Scenario } from "./scenario.ts";

const ours = "@wattboard/device";
const baseline = "a line of JSON each, with an fsync";
const pageBytes = 4_096;
const daySeconds = 86_400;

export const journal: Scenario = {
  name: "journal",
  summary: "what a device's journal writes to its disk for a sample at 1 Hz, and how often it makes sure of it",
  method:
    "The messages of simulated devices, one a second, through the journal of `@wattboard/device` with a clock of the bench; its folder counts what is asked of it. Written are the bytes handed to the file system, and the pages of " +
    "4 KiB that an fsync brings to the disk, which is what an SD card feels. Beside it a file to which each sample is appended as a line and made sure of. CPU time is of appending, deflating and writing into memory.",
  defaults: { rounds: 3, seconds: 3_600, devices: 3 },
  smoke: { rounds: 1, seconds: 60, devices: 1 },

  async run({ rounds, seconds, devices }, progress) {
    const comparisons = new Comparisons();
    const startMs = Date.UTC(2026, 5, 1, 6);
    for (let round = 1; round <= rounds; round++) {
      const totals = { text: 0, bytes: 0, held: 0, pages: 0, syncs: 0, cpuMs: 0 };
      for (const device of planFleet({ devices, seed: round })) {
        const plant = new Plant(device, { seed: round, startMs });
        const messages = Array.from({ length: seconds }, (_, second) => {
          plant.advanceTo(startMs + 1_000 * second);
          const timestamp = new Date(startMs + 1_000 * second).toISOString();
          return JSON.stringify({ device_id: device.deviceId, timestamp, ...plant.telemetry() });
        });
        const counted = await write(device.deviceId, messages);
        totals.text += messages.reduce((sum, message) => sum + message.length + 1, 0);
        totals.bytes += counted.bytes;
        totals.held += counted.held;
        totals.pages += counted.pages;
        totals.syncs += counted.syncs;
        totals.cpuMs += counted.cpuMs;
      }
      const samples = devices * seconds;
      const lineBytes = totals.text / samples;
      comparisons.add(about("written a sample", "B", 0), ours, totals.bytes / samples);
      comparisons.add(about("written a sample", "B", 0), baseline, lineBytes);
      comparisons.add(about("pages to the disk a sample", "B", 0), ours, (totals.pages * pageBytes) / samples);
      comparisons.add(about("pages to the disk a sample", "B", 0), baseline, pageBytes + lineBytes);
      comparisons.add(about("fsyncs a sample", "", 2), ours, totals.syncs / samples);
      comparisons.add(about("fsyncs a sample", "", 2), baseline, 1);
      const dayMb = (totals.held / samples) * daySeconds * 1e-6;
      comparisons.add({ quantity: "a day in the journal", unit: "MB", digits: 1 }, ours, dayMb);
      comparisons.add({ quantity: "CPU a sample", unit: "µs", digits: 0 }, ours, (1_000 * totals.cpuMs) / samples);
      progress(`round ${round} of ${rounds}: ${(totals.bytes / samples).toFixed(0)} B a sample`);
    }
    return comparisons.list();
  },
};

function about(quantity: string, unit: string, digits: number) {
  return { quantity, unit, digits, baseline };
}

/** What the journal asks of its folder for these messages, one a second. */
async function write(deviceId: string, messages: readonly string[]) {
  const clock = new ManualSdkClock();
  const counted = { bytes: 0, held: 0, pages: 0, syncs: 0, cpuMs: 0 };
  const dirty = new Set<string>();
  const folder: JournalFolder = {
    names: () => [],
    readNow: () => Buffer.alloc(0),
    read: async () => Buffer.alloc(0),
    async write(name, bytes, position) {
      counted.bytes += bytes.length;
      // The first write of a file is the whole of it, zeros that later ones take the place of.
      if (position > 0) counted.held += bytes.length;
      const lastPage = Math.floor((position + bytes.length - 1) / pageBytes);
      for (let page = Math.floor(position / pageBytes); page <= lastPage; page++) dirty.add(`${name} ${page}`);
    },
    async sync() {
      counted.syncs++;
      counted.pages += dirty.size;
      dirty.clear();
    },
    remove: async () => {},
    close: async () => {},
  };
  const before = process.cpuUsage();
  const journal = new FileJournal({ deviceId, clock, tell: () => {}, dropped: () => {} }, folder);
  for (const message of messages) {
    journal.append(message);
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await journal.close();
  const { user, system } = process.cpuUsage(before);
  return { ...counted, cpuMs: (user + system) / 1_000 };
}
