import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { ExportQuery } from "../archive/export.ts";
import { Failure } from "../base/failure.ts";
import type { Care } from "./care.ts";
import { writeFile } from "./export-file.ts";
import { WrongUsage } from "./report.ts";

const dayMs = 86_400_000;

/**
 * Writes `2026-01-31.parquet` and so on, a UTC day each, whole or not at all. To resume keeps the files that are there, but for the last one: its
 * day may not have been over.
 */
export async function exportDays(
  care: Care,
  query: ExportQuery,
  folder: string,
  { resume = false }: { readonly resume?: boolean },
): Promise<void> {
  const isDay = new RegExp(`^\\d{4}-\\d\\d-\\d\\d\\.${query.format}$`);
  const present = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => isDay.test(name))
        .sort()
    : [];
  if (present.length > 0 && !resume) {
    throw new WrongUsage(`${folder} holds ${present[0]} already. Go on with it by --resume, or choose another folder.`);
  }
  const { from, to } = await care.info();
  if (from === null || to === null) return;
  const firstMs = Math.max(query.fromMs, Date.parse(from));
  const endMs = Math.min(query.toMs, Date.parse(to) + 1);
  const done = new Set(present.slice(0, -1));
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Failure("export_failed", `${folder} cannot be made: ${(error as Error).message}`, error);
  }
  for (let dayAtMs = Math.floor(firstMs / dayMs) * dayMs; dayAtMs < endMs; dayAtMs += dayMs) {
    const name = `${new Date(dayAtMs).toISOString().slice(0, 10)}.${query.format}`;
    if (done.has(name)) continue;
    const day = { ...query, fromMs: Math.max(query.fromMs, dayAtMs), toMs: Math.min(query.toMs, dayAtMs + dayMs) };
    const part = join(folder, `${name}.part`);
    await writeFile(await care.export(day), day, part, "w");
    await rename(part, join(folder, name));
  }
}
