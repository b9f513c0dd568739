import { duplexTransport, ManualSdkClock } from "@wattboard/testing";
import { onTestFinished } from "vitest";
import { connectDevice } from "./connect-device.ts";
import type { DeviceNotice } from "./device-notice.ts";
import type { DeviceOptions } from "./device-options.ts";

type Frame = Record<string, unknown>;

/** A device with a journal, whose links are in the test's hand: no socket, no network, no waiting. */
export function startKeeping(options: DeviceOptions = {}) {
  const { transport, links } = duplexTransport();
  const clock = new ManualSdkClock();
  const notices: DeviceNotice[] = [];
  const device = connectDevice({
    deviceId: "ems_001",
    token: "t",
    journal: "memory",
    clock,
    transport,
    random: () => 0.5,
    log: (notice) => notices.push(notice),
    ...options,
  });
  onTestFinished(async () => {
    const stopped = device.stop();
    clock.advance(10_000);
    await settle();
    links.at(-1)?.end(1000);
    await stopped;
  });
  const link = () => links.at(-1) as (typeof links)[number];
  const frames = () => link().sent.map((text) => JSON.parse(text) as Frame);
  const journal = () =>
    frames().find(({ type }) => type === "hello")?.journal as { id: string; first_seq: number; last_seq: number };
  return {
    device,
    clock,
    links,
    link,
    notices,
    /** Sends a sample with this state of charge. */
    send: (soc: number) => device.send({ battery: { soc } }),
    /** The journal that the hello of the present link named. */
    journal,
    /** What was sent live on the present link, in order. */
    live: () => frames().filter((frame) => "device_id" in frame),
    /** Numbers of what was sent as backfill on the present link, a list for each frame. */
    backfill: () =>
      frames().flatMap(({ type, samples }) =>
        type === "backfill" ? [(samples as { seq: number }[]).map(({ seq }) => seq)] : [],
      ),
    gaps: () => frames().filter(({ type }) => type === "gap"),
    /** The server's second welcome, as it knows the journal of the present link. */
    welcome(more: Frame = {}) {
      const { id } = journal();
      link().push({ ...firstWelcome, epoch: 7, journal_id: id, durable_seq: 0, pace: { backfill: 100 }, ...more });
    },
    ack: (seq: number, ...ranges: [number, number][]) =>
      link().push({ type: "ack", seq, ...(ranges.length > 0 && { ranges }) }),
    /** The link ends, and the next one comes. */
    relink() {
      link().end(1006);
      clock.advanceToNext();
      while (links.at(-1)?.closing !== undefined || !isNew(links.at(-1))) clock.advanceToNext();
      link().accept();
      link().push(firstWelcome);
    },
  };
}

const isNew = (link: { isOpen: boolean; sent: string[] } | undefined) => link?.sent.length === 0 && !link.isOpen;

export const firstWelcome = { type: "welcome", server_time: "2026-01-31T12:00:00Z", epoch: 1 };

/** Lets promises that are settled go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A device whose second welcome has come, and that had sent nothing before. */
export function welcomed(more: Record<string, unknown> = {}) {
  const started = startKeeping();
  started.link().accept();
  started.link().push(firstWelcome);
  started.welcome(more);
  return started;
}

export const seqs = (frames: readonly Record<string, unknown>[]) => frames.map(({ seq }) => seq);
