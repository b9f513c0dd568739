import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Store } from "wattboard";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { benchDeviceId } from "../load/message.ts";
import { type Answer, historyPoints, type Question } from "./subject.ts";

const [power] = historyPoints;

/** Puts a question to Wattboard's store, through its port. */
export async function askStore(store: Store, question: Question): Promise<Answer> {
  const { fromMs, toMs } = question;
  switch (question.kind) {
    case "samples": {
      const limit = Math.ceil((toMs - fromMs) / 1_000) + 1;
      const registration = firstRegistration(benchDeviceId(question.device));
      const found = await store.samples({ registration, fromMs, toMs, take: "last", limit });
      return answerOf(found.map(({ points }) => Number(points[power])));
    }
    case "history": {
      const { bucketMs } = question;
      const registration = firstRegistration(benchDeviceId(question.device));
      const found = await store.history({ registration, points: historyPoints, fromMs, toMs, bucketMs });
      return answerOf(found.points[power]?.avg ?? []);
    }
    case "fleet": {
      const { bucketMs } = question;
      const registrations = Array.from({ length: question.devices }, (_, index) =>
        firstRegistration(benchDeviceId(index)),
      );
      return answerOf((await store.fleetTotals({ registrations, point: power, fromMs, toMs, bucketMs })).sum);
    }
  }
}

/** Null stands for an empty bucket. */
export function answerOf(values: readonly (number | null)[]): Answer {
  const found = values.filter((value) => value !== null);
  return { count: found.length, sum: found.reduce((sum, value) => sum + value, 0) };
}

/** All files below a folder, bytes. */
export function folderBytes(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const sizes = entries.map((entry) =>
    entry.isFile() ? (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0) : 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Pages of a SQLite file, of which nobody else has a hold, that are free, bytes. */
export function freeBytesOf(path: string): number {
  const database = new DatabaseSync(path);
  const free = database
    .prepare("SELECT freelist_count * page_size AS bytes FROM pragma_freelist_count, pragma_page_size")
    .get();
  database.close();
  return Number(free?.bytes);
}

/** CPU time of this process, all threads, ms. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
