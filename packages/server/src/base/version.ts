import { readFileSync } from "node:fs";

interface Manifest {
  readonly version: string;
}

/** Written beside what is built by `scripts/build-info.mjs`. */
interface BuildInfo {
  readonly build: string;
}

const manifest = readJson("../../package.json") as Manifest;
const built = readJson("../build.json") as BuildInfo | null;

/** The version of the package, and the commit that it was built from: `0.2.0-dev+8d1f0c2a9b3e`. Without a build it is the package's alone. */
export const version = built === null ? manifest.version : `${manifest.version}+${built.build}`;

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
  } catch {
    return null;
  }
}
