import { request } from "node:http";
import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { createAdministrator, invite } from "../support/people.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

/** The status of a try to sign in from this address of the loopback. */
function signInFrom(localAddress: string, { url }: TestServer, account: string, password: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/api/v1/session`, {
      method: "POST",
      localAddress,
      headers: { "content-type": "application/json" },
    });
    asked.once("error", reject);
    asked.once("response", (answer) => answer.resume().once("end", () => resolve(answer.statusCode ?? 0)));
    asked.end(JSON.stringify({ account, password }));
  });
}

test("while thirty addresses of thirty networks guess without a pause, somebody from a new one is signed in with the first or second try", {
  timeout: 300_000,
}, async () => {
  const server = await startServer({
    settings: { "access.dashboards": "people" },
    clock: new ManualClock(Date.now()),
    // As it is outside tests: whoever guesses has to wait in the queue.
    passwordCost: { memoryKiB: 19_456, passes: 2 },
  });
  await invite(await createAdministrator(server), "ann", { role: "viewer", devices: [] });
  let isOver = false;
  const guessed = new Map<number, number>();
  const guesser = async (number: number): Promise<void> => {
    for (let tries = 0; !isOver; tries++) {
      const status = await signInFrom(`127.0.${number}.1`, server, `account ${tries % 7}`, "wrong");
      guessed.set(status, (guessed.get(status) ?? 0) + 1);
    }
  };
  const guessing = Promise.all(Array.from({ length: 30 }, (_, number) => guesser(number + 1)));
  while ((guessed.get(401) ?? 0) < 60) await new Promise((resolve) => setImmediate(resolve));
  const statuses = [await signInFrom("127.9.9.9", server, "ann", "ann's long password")];
  if (statuses[0] !== 200) statuses.push(await signInFrom("127.9.9.9", server, "ann", "ann's long password"));
  expect(statuses.at(-1)).toBe(200);
  isOver = true;
  await guessing;
});
