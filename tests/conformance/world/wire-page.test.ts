import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { clientFrame } from "../../support/raw-socket.ts";
import { openDashboard } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";

/** Method: an author who has the wire reference and nothing else. What is sent is what the page shows, byte for byte but for token and address. */

const page = readFileSync(new URL("../../../docs/reference/wire.md", import.meta.url), "utf8");

/** The text of the first block of this language, under the page's first heading. */
function block(language: string): string {
  const [, text] = new RegExp(`\`\`\`${language}\n(.*?)\n\`\`\``, "s").exec(page) ?? [];
  if (text === undefined) throw new Error(`The page has no ${language} block.`);
  return text;
}

test("the page begins with the doors", () => {
  expect(page.indexOf("## Doors")).toBeGreaterThan(0);
  expect(page.indexOf("## Doors")).toBe(page.indexOf("\n## ") + 1);
});

test("the handshake of the page opens a link, and its least message arrives on a dashboard", async () => {
  const server = await startServer();
  const token = server.addDevice("ems_001");
  const dashboard = await openDashboard(server.wsUrl, "ems_001");
  const [request = "", answer = ""] = block("http").split("\n\n");
  const { host, hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => {
    socket.destroy();
  });
  let received = "";
  socket.on("data", (data) => {
    received += data.toString("latin1");
  });
  const sent = request.replace("127.0.0.1:8000", host).replace("wb_…", token);
  socket.write(`${sent.replaceAll("\n", "\r\n")}\r\n\r\n`);
  await eventually(() => expect(received).toContain("\r\n\r\n"));
  const lines = received.toLowerCase().split("\r\n");
  for (const line of answer.toLowerCase().split("\n")) expect(lines).toContain(line);
  socket.write(clientFrame(block("json")));
  expect(await dashboard.receive(1)).toEqual([block("json")]);
});
