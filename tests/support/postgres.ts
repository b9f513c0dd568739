import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import pg from "pg";
import { freePort } from "./free-port.ts";

/** The folder of PostgreSQL's programs, 15 or newer; undefined where there is none. */
export const postgresPrograms = findPrograms();

/** Whether TimescaleDB can be loaded into that PostgreSQL. */
export const hasTimescale = postgresPrograms !== undefined && hasExtension(postgresPrograms);

export interface PostgresServer {
  /** Makes a database and gives its address. */
  createDatabase(name: string): Promise<string>;
  /** A connection as the administrator. */
  connect(database: string): Promise<pg.Client>;
  /** Runs SQL in a database as its administrator. */
  query(database: string, sql: string): Promise<Record<string, unknown>[]>;
  /** `immediate` is what a crash does: no connection is told, nothing is written. */
  stop(mode?: "fast" | "immediate"): void;
  start(): void;
  /** Stops the processes that serve a database, so that they neither answer nor end; gives what lets them go on. */
  freeze(database: string): Promise<() => void>;
  /** Stops it and deletes everything. */
  remove(): void;
  readonly port: number;
}

/** A server of its own in a temporary folder, on a free port of the loopback, which commits as a real one does (fsync). */
export async function startPostgres({ timescale = false } = {}): Promise<PostgresServer> {
  const programs = postgresPrograms ?? "";
  const folder = mkdtempSync(join(tmpdir(), "wattboard-postgres-"));
  const data = join(folder, "data");
  // PostgreSQL refuses to run as root; Debian's package has made the user postgres.
  const account = process.getuid?.() === 0 ? userNamed("postgres") : undefined;
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
  const run = (program: string, args: readonly string[]): void => {
    execFileSync(join(programs, program), args, { ...account, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  };
  run("initdb", [
    // Nobody cuts the power between this and the start.
    "--no-sync",
    "-D",
    data,
    "-U",
    "admin",
    "--auth-local=trust",
    "--auth-host=scram-sha-256",
    "-E",
    "UTF8",
    "--locale=C",
  ]);
  const port = await freePort();
  const settings = [
    `-p ${port}`,
    `-k ${folder}`,
    "-c listen_addresses=127.0.0.1",
    ...(timescale ? ["-c shared_preload_libraries=timescaledb", "-c timescaledb.telemetry_level=off"] : []),
  ];
  const start = (): void =>
    run("pg_ctl", ["-D", data, "-l", join(folder, "log"), "-o", settings.join(" "), "-w", "start"]);
  const stop = (mode = "fast"): void => {
    // It may have been stopped already.
    spawnSync(join(programs, "pg_ctl"), ["-D", data, "-m", mode, "-w", "stop"], { ...account, cwd: folder });
  };
  const connect = async (database: string): Promise<pg.Client> => {
    const client = new pg.Client({ host: folder, port, user: "admin", database });
    await client.connect();
    return client;
  };
  const query = async (database: string, sql: string): Promise<Record<string, unknown>[]> => {
    const client = await connect(database);
    try {
      return (await client.query(sql)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };
  start();
  await query("postgres", `CREATE ROLE wattboard LOGIN PASSWORD '${password}'`);
  return {
    port,
    connect,
    query,
    start,
    stop,
    async createDatabase(name) {
      await query("postgres", `CREATE DATABASE "${name}" OWNER wattboard`);
      return `postgres://wattboard:${encodeURIComponent(password)}@127.0.0.1:${port}/${name}`;
    },
    async freeze(database) {
      // Asked for in another database, so that who asks is not frozen too.
      const rows = await query("postgres", `SELECT pid FROM pg_stat_activity WHERE datname = '${database}'`);
      const pids = rows.map(({ pid }) => Number(pid));
      for (const pid of pids) process.kill(pid, "SIGSTOP");
      return () => {
        for (const pid of pids.splice(0)) process.kill(pid, "SIGCONT");
      };
    },
    remove() {
      stop("immediate");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** With signs that an address must escape. */
export const password = "s3cret@:/word";

/** Debian keeps them by version and off the PATH. */
function findPrograms(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  const byVersion = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(debian, version, "bin"));
  return [...byVersion, ...(process.env.PATH ?? "").split(delimiter)].find((folder) => {
    const initdb = join(folder, "initdb");
    if (!existsSync(initdb)) return false;
    const version = spawnSync(initdb, ["--version"], { encoding: "utf8" }).stdout?.match(/\d+/)?.[0];
    return Number(version) >= 15;
  });
}

function hasExtension(programs: string): boolean {
  const shared = spawnSync(join(programs, "pg_config"), ["--sharedir"], { encoding: "utf8" }).stdout?.trim();
  return Boolean(shared) && existsSync(join(shared as string, "extension", "timescaledb.control"));
}

function userNamed(name: string): { readonly uid: number; readonly gid: number } {
  const [, , uid, gid] =
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((line) => line.startsWith(`${name}:`))
      ?.split(":") ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
