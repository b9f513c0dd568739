import { readJson } from "./read-json.ts";

interface PackageManifest {
  readonly version: string;
}

/** Written beside what is built by `scripts/build-info.mjs`. */
interface BuildInfo {
  readonly build: string;
}

const manifest = readJson(new URL("../../package.json", import.meta.url)) as PackageManifest;
const built = readJson(new URL("../build.json", import.meta.url)) as BuildInfo | null;

/** The version of the package, and the commit that it was built from: `0.2.0-dev+8d1f0c2a9b3e`. Without a build it is the package's alone. */
export const version = built === null ? manifest.version : `${manifest.version}+${built.build}`;
