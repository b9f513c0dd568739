import type { IssuedLinkBody, PersonBody } from "@wattboard/protocol";
import { expect, test } from "vitest";
import { createAdministrator } from "../../support/people.ts";
import { runCli } from "../../support/run-cli.ts";
import { startServer } from "../../support/start-server.ts";

const publicUrl = "https://board.example.org";

test("links that the server gives out begin with its public address, base path included", async () => {
  const server = await startServer({ settings: { public_url: publicUrl, base_path: "/energy" } });
  server.addDevice("ems_001");
  expect(server.publicUrl).toBe(`${publicUrl}/energy`);
  const setup = await runCli(["user", "setup-link", "--data-dir", server.dataDir]);
  const [shown = ""] = /https:\S+/.exec(setup.stdout) ?? [];
  expect(shown).toMatch(/^https:\/\/board\.example\.org\/energy\/welcome#wb_/);
  // A browser that is led there comes with this origin.
  const admin = await createAdministrator({ url: server.url, setupLink: { path: new URL(shown).hash } });
  admin.origin = publicUrl;
  const person = { name: "ann", role: "viewer", devices: null };
  const { link } = await admin.json<{ person: PersonBody; link: IssuedLinkBody }>("POST", "/people", person);
  expect(link.url).toBe(`${publicUrl}/energy${link.path}`);
  const share = { label: "a test", ttl_ms: 60_000 };
  const made = await admin.json<{ path: string; url: string }>("POST", "/devices/ems_001/share-links", share);
  expect(made.url).toBe(`${publicUrl}/energy${made.path}`);
});

test("where the server has not been told, it does not guess for others", async () => {
  const server = await startServer();
  const admin = await createAdministrator(server);
  const link = await admin.json<IssuedLinkBody>("POST", "/setup-link");
  expect(link.url).toBeNull();
  expect(server.publicUrl).toBe(server.url);
});
