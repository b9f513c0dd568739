import { spawn, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";

/** Where nginx is, or null. Debian has it where only root looks. */
export const nginxPath: string | null =
  ["/usr/sbin/nginx", spawnSync("which", ["nginx"], { encoding: "utf8" }).stdout?.trim() ?? ""].find(
    (path) => path !== "" && existsSync(path),
  ) ?? null;

/** nginx with what stands in `http { … }`, all of its files in the folder; stopped with the test. Resolves when it listens on the port. */
export async function startNginx(folder: string, http: string, port: number): Promise<void> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  const config = [
    "daemon off; master_process off; error_log stderr;",
    `pid ${join(folder, "nginx.pid")};`,
    "events {}",
    `http { access_log off; ${temporary.join(" ")}`,
    http,
    "}",
  ].join("\n");
  const file = join(folder, "nginx.conf");
  writeFileSync(file, config);
  const child = spawn(nginxPath ?? "nginx", ["-p", folder, "-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  await eventually(async () => {
    const isListening = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("close", () => socket.destroy());
      socket.once("connect", () => socket.destroy());
    });
    if (!isListening) throw new Error(`nginx does not listen: ${errors}`);
  });
}
