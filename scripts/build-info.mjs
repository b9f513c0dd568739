// Writes which commit is built beside what is built, so that every build has a version of its own. Plain JavaScript: it is part of the build.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The commit that is checked out, with `.dirty` where something differs from it; null outside of a repository of our own. */
function commitOfRepository() {
  const git = (...args) =>
    execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    // A tarball may have been unpacked within somebody else's repository.
    if (realpathSync(git("rev-parse", "--show-toplevel")) !== realpathSync(root)) return null;
    return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain") === "" ? "" : ".dirty");
  } catch {
    return null;
  }
}

/** The commit that `git archive` has put in place of a placeholder; null where it has not. */
function commitOfArchive() {
  const text = readFileSync(join(root, "scripts", "commit.txt"), "utf8").trim();
  return /^[0-9a-f]{40}$/.test(text) ? text.slice(0, 12) : null;
}

/** Where no commit is known: what the sources hold. */
function hashOfSources() {
  const hash = createHash("sha256");
  for (const name of readdirSync(join(root, "packages")).sort()) {
    const folder = join(root, "packages", name, "src");
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
    for (const path of paths) hash.update(path.slice(root.length)).update(readFileSync(path));
  }
  return `src.${hash.digest("hex").slice(0, 12)}`;
}

const build = commitOfRepository() ?? commitOfArchive() ?? hashOfSources();
writeFileSync(join(root, "packages", "server", "dist", "build.json"), `${JSON.stringify({ build })}\n`);
