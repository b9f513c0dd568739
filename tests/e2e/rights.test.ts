import { afterAll, expect, test } from "vitest";
import { chromiumPath, closeBrowser, openPage, type TestPage } from "../support/browser.ts";
import { needs } from "../support/needs.ts";
import { BrowserLike, createAdministrator, invite } from "../support/people.ts";
import { openSolMate, update } from "../support/smart-os.ts";
import { openDevice, openSocket } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

const roles = ["anonymous", "guest", "viewer", "owner", "operator", "admin"] as const;
type RoleHere = (typeof roles)[number];

interface Control {
  readonly path: string;
  readonly name: RegExp;
  readonly ask: readonly [method: string, path: string, body?: object];
}

/** What the pages offer, where, and a request of the same right, which does as little as it can. */
const controls: readonly Control[] = [
  { path: "/", name: /^People$/, ask: ["GET", "/people"] },
  { path: "/", name: /^Audit$/, ask: ["GET", "/audit"] },
  {
    path: "/",
    name: /^Command (this|these|\d+ of) /,
    ask: ["POST", "/fleet-commands", { ...setAuto(), where: ["id = mine"], dry_run: true }],
  },
  { path: "/", name: /^Accept /, ask: ["GET", "/smart-os/waiting"] },
  ...["mine", "foreign"].flatMap((id): Control[] => [
    { path: `/devices/${id}`, name: /^Set mode/, ask: ["POST", `/devices/${id}/commands`, setAuto()] },
    { path: `/devices/${id}`, name: /^Reset error/, ask: ["POST", `/devices/${id}/commands`, setAuto()] },
    { path: `/devices/${id}`, name: /^Restart/, ask: ["POST", `/devices/${id}/commands`, setAuto()] },
    { path: `/devices/${id}`, name: /^Share$/, ask: ["POST", `/devices/${id}/share-links`, aShortLink()] },
    { path: `/devices/${id}`, name: /^Strike out/, ask: ["POST", `/devices/${id}/strikes`, {}] },
  ]),
];

function setAuto() {
  return { action: "SET_MODE", payload: { target_mode: "AUTO" } };
}

function aShortLink() {
  return { label: "a test", ttl_ms: 60_000 };
}

/** Two devices of which the owner has one, a SolMate that waits, and somebody of each role with their own browser. */
async function start(access: "public" | "people") {
  const server = await startServer({ settings: { "access.dashboards": access, "smart_os.access": "open" } });
  for (const id of ["mine", "foreign"]) {
    const device = await openSocket(`${server.wsUrl}/ws/device/${id}`, {
      headers: { authorization: `Bearer ${server.addDevice(id)}` },
      protocols: ["wattboard.v1"],
    });
    device.send({ type: "hello", commands: { SET_MODE: {}, RESET_ERROR: {}, RESTART: {} } });
    device.send(sampleOf(id));
  }
  (await openSolMate(server.wsUrl)).send(update("0042", {}));
  const admin = await createAdministrator(server);
  const { path } = await admin.json<{ path: string }>("POST", "/devices/mine/share-links", aShortLink());
  const guest = new BrowserLike(server.url);
  await guest.json("POST", "/share-session", { token: path.slice(path.indexOf("#") + 1) });
  const people: Record<RoleHere, BrowserLike> = {
    anonymous: new BrowserLike(server.url),
    guest,
    viewer: await invite(admin, "vera", { role: "viewer", devices: null }),
    owner: await invite(admin, "ann", { role: "operator", devices: ["mine"] }),
    operator: await invite(admin, "otto", { role: "operator", devices: null }),
    admin,
  };
  const open = (role: RoleHere, path: string): Promise<TestPage> => {
    const cookies = [...people[role].cookies].map(([name, value]) => ({ name, value, ...cookieRest }));
    return openPage(server.url + path, { storageState: { cookies, origins: [] } });
  };
  return { server, people, open };
}

const cookieRest = {
  domain: "127.0.0.1",
  path: "/",
  expires: -1,
  httpOnly: true,
  secure: false,
  sameSite: "Strict" as const,
};

/** Waits until the page has been told what there is, and who looks. */
async function settle(page: TestPage): Promise<void> {
  const shown = page
    .getByRole("heading", { name: "Values" })
    .or(page.getByRole("link", { name: /mine|foreign/ }))
    .or(page.getByText(/people who are signed in|No device is called/));
  await shown.first().waitFor();
  await page.getByRole("navigation", { name: "Account" }).or(page.getByText("shared with you")).first().waitFor();
}

needs("chromium", chromiumPath !== null)("rights in view, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  // Where they are for people, those who do not see everything meet other answers.
  test.each([
    ["public", roles],
    ["people", ["anonymous", "guest", "owner"]],
  ] as const)(
    "where dashboards are for %s, each role is shown just what the API lets it use",
    async (access, looking) => {
      const { server, people, open } = await start(access);
      for (const role of looking) {
        const page = await open(role, "/account");
        for (const path of new Set(controls.map((each) => each.path))) {
          await page.goto(server.url + path);
          await settle(page);
          const here = [];
          for (const { name, ask } of controls.filter((each) => each.path === path)) {
            const { status } = await people[role].ask(...ask);
            const control = page.getByRole("button", { name }).or(page.getByRole("link", { name })).first();
            const isAllowed = ![401, 403, 404].includes(status);
            if (isAllowed) await control.waitFor();
            here.push({ name, status, control, isAllowed });
          }
          // Looked for when what is to be there is there.
          for (const { name, status, control, isAllowed } of here) {
            const shown = (await control.count()) > 0;
            expect({ role, path, name, status, shown }).toEqual({ role, path, name, status, shown: isAllowed });
          }
        }
        await page.context().close();
      }
    },
  );

  test("who loses a right while the page is open loses its controls, at the latest with the first that is refused", async () => {
    const { people, open } = await start("people");
    const page = await open("operator", "/devices/mine");
    await page.getByRole("button", { name: "Set mode" }).waitFor();
    await people.admin.json("PATCH", "/people/otto", { role: "viewer" });
    await page.getByRole("button", { name: "Set mode" }).click();
    await page.getByText("An administrator can let you command it").waitFor();
    expect(await page.getByRole("button", { name: /Set mode|Share|Restart/ }).count()).toBe(0);
  });

  test("what holds until somebody changes it asks once more where the device knows no time limit", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "mine", server.addDevice("mine"));
    device.send(sampleOf("mine"));
    const admin = await createAdministrator(server);
    const cookies = [...admin.cookies].map(([name, value]) => ({ name, value, ...cookieRest }));
    const page = await openPage(`${server.url}/devices/mine`, { storageState: { cookies, origins: [] } });
    await page.getByRole("button", { name: "Charge", exact: true }).click();
    await page.getByText("it holds until it is changed").waitFor();
    await page.getByRole("button", { name: "Set mode…" }).click();
    await page.getByRole("button", { name: "No", exact: true }).click();
    const given = async () => (await admin.json<{ commands: unknown[] }>("GET", "/devices/mine/commands")).commands;
    expect(await given()).toEqual([]);
    await page.getByRole("button", { name: "Set mode…" }).click();
    await page.getByRole("button", { name: "Hold it until it is changed" }).click();
    await page.locator("summary [data-tone]").first().waitFor();
    expect(await given()).toMatchObject([{ payload: { target_mode: "MANUAL_CHARGE" } }]);
    expect(page.complaints).toEqual([]);
  });
});
