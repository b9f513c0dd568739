import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../base/failure.ts";
import type { ExportQuery } from "../transfer/export/export-query.ts";
import { writeFile } from "./export-file.ts";
import type { MaintenanceClient } from "./maintenance.ts";
import { CommandRefused, WrongUsage } from "./report.ts";

const dayMs = 86_400_000;

/**
 * Writes `2026-01-31.parquet` and so on, a UTC day each, whole or not at all. To resume keeps the files that are there, but for the last one: its
 * day may not have been over.
 */
export async function exportDays(
  care: MaintenanceClient,
  query: ExportQuery,
  folder: string,
  { resume = false }: { readonly resume?: boolean },
): Promise<void> {
  const isDay = (name: string) => /^\d{4}-\d\d-\d\d\.[a-z]+$/.test(name) && name.endsWith(`.${query.format}`);
  const present = existsSync(folder) ? readdirSync(folder).filter(isDay).sort() : [];
  if (present.length > 0 && !resume) {
    throw new WrongUsage(`${folder} holds ${present[0]} already. Go on with it by --resume, or choose another folder.`);
  }
  const span = await spanOf(care, query);
  if (span === null) return;
  const done = new Set(present.slice(0, -1));
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Failure("export_failed", `${folder} cannot be made: ${(error as Error).message}`, error);
  }
  for (let dayAtMs = Math.floor(span.fromMs / dayMs) * dayMs; dayAtMs < span.toMs; dayAtMs += dayMs) {
    const name = `${new Date(dayAtMs).toISOString().slice(0, 10)}.${query.format}`;
    if (done.has(name)) continue;
    const day = { ...query, fromMs: Math.max(query.fromMs, dayAtMs), toMs: Math.min(query.toMs, dayAtMs + dayMs) };
    const part = join(folder, `${name}.part`);
    try {
      await writeFile(await care.export(day), day, part, "w");
    } catch (error) {
      await rm(part, { force: true });
      if (!(error instanceof Failure)) throw error;
      throw new Failure(
        error.code,
        `${error.message} The days before ${name} are whole. To go on: the same command with --resume.`,
        error,
      );
    }
    await rename(part, join(folder, name));
  }
}

/** From when to when there are samples at all, so that no empty days are written. Who may not see all devices is not told, and gives the range. */
async function spanOf(
  care: MaintenanceClient,
  { fromMs, toMs }: ExportQuery,
): Promise<{ fromMs: number; toMs: number } | null> {
  try {
    const { from, to } = await care.info();
    if (from === null || to === null) return null;
    return { fromMs: Math.max(fromMs, Date.parse(from)), toMs: Math.min(toMs, Date.parse(to) + 1) };
  } catch (error) {
    if (!(error instanceof CommandRefused) || error.refusal.code !== "not_permitted") throw error;
    if (fromMs === 0) throw new WrongUsage("Say from which day on, with --from: your token is for some devices only.");
    return { fromMs, toMs };
  }
}
