import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { makeFolder } from "../../support/run-cli.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** A tree with what the script needs. */
function makeTree(folder = makeFolder()): string {
  for (const path of ["scripts/build-info.mjs", "scripts/commit.txt", ".gitattributes", ".gitignore"]) {
    cpSync(join(root, path), join(folder, path), { recursive: true });
  }
  for (const part of ["src", "dist"]) mkdirSync(join(folder, "packages", "server", part), { recursive: true });
  writeFileSync(join(folder, "packages", "server", "src", "main.ts"), "1");
  return folder;
}

function git(folder: string, ...args: string[]): string {
  const own = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"];
  return execFileSync("git", [...own, ...args], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();
}

function makeRepository(): { readonly folder: string; readonly commit: string } {
  const folder = makeTree();
  git(folder, "init", "--quiet");
  git(folder, "add", ".");
  git(folder, "commit", "--quiet", "-m", "all");
  return { folder, commit: git(folder, "rev-parse", "HEAD").slice(0, 12) };
}

function build(folder: string): string {
  execFileSync(process.execPath, [join(folder, "scripts", "build-info.mjs")]);
  return JSON.parse(readFileSync(join(folder, "packages", "server", "dist", "build.json"), "utf8")).build;
}

describe("a build is told from others", () => {
  test("by the commit that is checked out; it leaves the tree as clean as it was", () => {
    const { folder, commit } = makeRepository();
    expect(build(folder)).toBe(commit);
    expect(git(folder, "status", "--porcelain")).toBe("");
    writeFileSync(join(folder, "packages", "server", "src", "main.ts"), "2");
    expect(build(folder)).toBe(`${commit}.dirty`);
  });

  test("by the commit that an archive was made of", () => {
    const { folder, commit } = makeRepository();
    const unpacked = makeFolder();
    const tar = join(unpacked, "archive.tar");
    git(folder, "archive", "--output", tar, "HEAD");
    execFileSync("tar", ["-xf", tar, "-C", unpacked]);
    mkdirSync(join(unpacked, "packages", "server", "dist"));
    expect(build(unpacked)).toBe(commit);
  });

  test("by what its sources hold, where neither is there, also within another repository", () => {
    const { folder: outer } = makeRepository();
    for (const folder of [makeTree(), makeTree(join(outer, "inner"))]) {
      const first = build(folder);
      expect(first).toMatch(/^src\.[0-9a-f]{12}$/);
      expect(build(folder)).toBe(first);
      writeFileSync(join(folder, "packages", "server", "src", "main.ts"), "2");
      expect(build(folder)).not.toBe(first);
    }
  });
});
