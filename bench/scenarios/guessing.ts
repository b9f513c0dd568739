import { setTimeout as sleep } from "node:timers/promises";
import { DeviceLoad } from "../load/device-load.ts";
import { GuessLoad } from "../load/guess-load.ts";
import { Comparisons } from "../measure/comparison.ts";
import { until } from "../measure/until.ts";
import { startWattboard } from "../servers/wattboard.ts";
import type { Scenario } from "./scenario.ts";

const guessesPerSecond = 1_000;
const burst = 4;
const rampSeconds = 0.5;
const quiet = "nobody guesses";

/** Whoever guesses, by how many addresses the server sees them. */
const attackers = [
  { name: "from one address", hasOneAddress: true },
  { name: "each from another address", hasOneAddress: false },
];

export const guessing: Scenario = {
  name: "guessing",
  summary: "what 1,000 guesses of a password a second cost the live lane",
  method:
    "Devices send as fast as the server takes it, as in `ingest` with bursts of 4; in turns nobody guesses, somebody does from one address, and somebody does " +
    "with another address and another account for each guess, so that no limit but that of hashing holds. All of the server, Argon2 included, is on one core.",
  defaults: { rounds: 5, seconds: 4, devices: 1_000 },
  smoke: { rounds: 1, seconds: 0.3, devices: 20 },

  async run(options, progress) {
    const comparisons = new Comparisons();
    progress(`starting the server, ${options.devices} devices`);
    const server = await startWattboard({ ...options, settings: { WATTBOARD_ACCESS_TRUSTED_PROXIES: "127.0.0.1" } });
    const devices = await DeviceLoad.open(server.port, options.devices);

    const measure = async (name: string, guesses: GuessLoad | null, round: number): Promise<void> => {
      devices.start(burst);
      guesses?.start();
      await sleep(rampSeconds * 1_000);
      const before = devices.processed;
      const startedAtMs = performance.now();
      await sleep(options.seconds * 1_000);
      const perSecond = (devices.processed - before) / ((performance.now() - startedAtMs) / 1_000);
      devices.stop();
      guesses?.stop();
      await until(
        () => devices.isDrained,
        () => "The server left messages unanswered.",
      );
      if (round === 0) return;
      const spoken = guesses === null ? "" : `, ${guesses.answered} of ${guesses.sent} guesses answered`;
      progress(`round ${round} of ${options.rounds}: ${name}: ${Math.round(perSecond)} messages/s${spoken}`);
      comparisons.add({ quantity: "messages a second", unit: "/s", digits: 0, baseline: quiet }, name, perSecond);
    };

    for (let round = 0; round <= options.rounds; round++) {
      await measure(quiet, null, round);
      for (const { name, hasOneAddress } of attackers) {
        const guesses = await GuessLoad.open(server.port, guessesPerSecond, hasOneAddress);
        await measure(name, guesses, round);
        guesses.close();
      }
    }
    devices.close();
    await server.stop();
    return comparisons.list();
  },
};
