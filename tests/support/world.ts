import { readFileSync } from "node:fs";
import { paths } from "@wattboard/protocol";
import { expect } from "vitest";
import { batchOf, type Message, sampleAt, type Value } from "./samples.ts";
import type { TestServer } from "./start-server.ts";

/** A sample as the inputs of tests/conformance/world have it. */
export interface WorldSample {
  readonly atMs: number;
  /** `{"grid.power": 1000}` */
  readonly points: Readonly<Record<string, Value>>;
}

const inputs = new URL("../conformance/world/inputs/", import.meta.url);

export function inputText(name: string): string {
  return readFileSync(new URL(name, inputs), "utf8");
}

/** The samples of an input of JSON lines, `{"observed_at", "points"}`. */
export function readSamples(name: string): WorldSample[] {
  return inputText(name)
    .trim()
    .split("\n")
    .map((line) => {
      const { observed_at, points } = JSON.parse(line) as { observed_at: string; points: WorldSample["points"] };
      return { atMs: Date.parse(observed_at), points };
    });
}

/** Puts samples of a device into the store, as if they had come from it. */
export async function putSamples(
  { store }: TestServer,
  samples: readonly WorldSample[],
  deviceId = "ems_001",
): Promise<void> {
  const sent = samples.map(({ atMs, points }, seq) => {
    const sections: Record<string, Record<string, Value>> = {};
    for (const [name, value] of Object.entries(points)) {
      const [section = "", field = ""] = name.split(".");
      sections[section] = { ...sections[section], [field]: value };
    }
    return sampleAt(atMs, seq, sections as Message, { deviceId, epoch: samples[0]?.atMs ?? 1 });
  });
  await store.append([batchOf(sent)]);
}

/** One and the same sample each so many milliseconds, the last one at the end. */
export function everyStep(stepMs: number, fromMs: number, toMs: number, points: WorldSample["points"]): WorldSample[] {
  return Array.from({ length: Math.floor((toMs - fromMs) / stepMs) + 1 }, (_, i) => ({
    atMs: fromMs + i * stepMs,
    points,
  }));
}

export async function getBody<Body>({ url }: Pick<TestServer, "url">, path: string): Promise<Body> {
  const response = await fetch(`${url}${paths.api}${path}`);
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as Body;
}
