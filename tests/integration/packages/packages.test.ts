import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { describe, expect, onTestFinished, test } from "vitest";

/** What is published, as it is built: what an app takes on with it, and what stands in its tarballs. */
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Bytes, gzipped, that `source` adds to an app when it is bundled and minified for a browser. */
async function bundledBytes(source: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-bundle-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const input = join(folder, "app.js");
  writeFileSync(
    input,
    source.replace(/"@wattboard\/(\w+)(?:\/(\w+))?"/g, (_, name, entry = "index") =>
      JSON.stringify(join(root, "packages", name, "dist", `${entry}.js`)),
    ),
  );
  const bundled = await build({
    root: folder,
    configFile: false,
    logLevel: "silent",
    build: { write: false, rolldownOptions: { input, external: /^react/ } },
  });
  if (!("output" in bundled)) throw new Error("one bundle was expected");
  return gzipSync(bundled.output[0].code).length;
}

describe("an app", () => {
  test.each([
    ["@wattboard/client", "connectTelemetry, connectFleet", 3_000],
    ["@wattboard/client/react", "useTelemetry, useFleet, WattboardProvider", 3_500],
    ["@wattboard/client/history", "fillFromHistory", 1_500],
    ["@wattboard/protocol/constants", "paths, limits, pointSpec, refusals, disconnects, hasEnded", 5_000],
  ])("takes on few bytes with %s", async (entry, names, bytesMax) => {
    const bytes = await bundledBytes(`import { ${names} } from "${entry}"; globalThis.used = [${names}];`);
    expect(bytes).toBeGreaterThan(500);
    expect(bytes).toBeLessThan(bytesMax);
  });
});

interface Tarball {
  readonly name: string;
  readonly files: readonly { readonly path: string }[];
}

describe("a tarball", () => {
  test("holds what is built, its licence, its README and where it comes from, and nothing of ours beside", async () => {
    const folders = ["client", "device", "protocol", "server", "simulator"].map((name) => join(root, "packages", name));
    const npm = await promisify(execFile)("npm", ["pack", "--dry-run", "--json", "--ignore-scripts", ...folders], {
      cwd: root,
      maxBuffer: 64 * 1024 * 1024,
    });
    // npm 12 gives an object by name, older ones a list.
    const tarballs: Tarball[] = Object.values(JSON.parse(npm.stdout));
    expect(tarballs.map(({ name }) => name)).toEqual([
      "@wattboard/client",
      "@wattboard/device",
      "@wattboard/protocol",
      "wattboard",
      "@wattboard/simulator",
    ]);
    for (const [index, { name, files }] of tarballs.entries()) {
      const paths = files.map(({ path }) => path);
      expect(paths, name).toEqual(
        expect.arrayContaining(["LICENSE", "README.md", "package.json", "dist/index.js", "dist/index.d.ts"]),
      );
      if (name === "wattboard") {
        // The page's texts, and what they are for those who take them packed.
        const texts = paths.filter((path) => /^public\/.*\.(js|css)$/.test(path));
        expect(texts.length).toBeGreaterThan(2);
        expect(paths).toEqual(expect.arrayContaining(texts.flatMap((path) => [`${path}.br`, `${path}.gz`])));
      }
      expect(
        paths.filter((path) => /tsbuildinfo|\.test\.|testing|fixture/.test(path)),
        name,
      ).toEqual([]);
      const { default: manifest } = await import(join(folders[index] ?? "", "package.json"), {
        with: { type: "json" },
      });
      expect(manifest, name).toMatchObject({
        license: "MIT",
        repository: { type: "git", url: "git+https://github.com/wattboard/wattboard.git" },
      });
    }
  });
});
