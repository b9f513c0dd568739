import { readFileSync } from "node:fs";

/** What a file of our own holds; null where there is none, or it is no JSON. */
export function readJson(path: string | URL): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}
