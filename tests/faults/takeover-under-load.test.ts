// Aim: no sample is missing and none is there twice, whenever in its life a link is taken over.
// Method: devices of the SDK, each behind a network of its own, send samples without a pause; between any two of them the network is made slow, the
// connection is cut, or ends for the device alone, so that the next link takes over from one that the server still believes in, and whose bytes come
// late. At the end the store must hold every number once, in order. Ten devices at once; a round is a hundred samples with one takeover in them.
import { connectDevice } from "@wattboard/device";
import { expect, onTestFinished, test } from "vitest";
import { metric, storedSamples } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { hurriedClock } from "../support/hurried-clock.ts";
import { rounds, seed, seededRandom } from "../support/long-run.ts";
import { startServer } from "../support/start-server.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

const deviceCount = 10;
const samplesARound = 100;
/** So many times faster the SDK waits before it connects anew. */
const hurry = 50;

test(`${rounds(60, 1_000)} takeovers lose nothing and double nothing (seed ${seed})`, async () => {
  const server = await startServer({
    settings: {
      "takeover.max": "1000000",
      "limits.messages_burst": "100000",
      "limits.backfill_per_device": "100000",
      "limits.backfill_per_second": "1000000",
      "heartbeat.ping_ms": "1000",
      "heartbeat.pong_ms": "60000",
    },
  });
  const startMs = Date.now() - 3_600_000;
  const devices = await Promise.all(
    Array.from({ length: deviceCount }, async (_, at) => {
      const deviceId = `ems_${at}`;
      const proxy = await TcpProxy.open(Number(new URL(server.url).port));
      const device = connectDevice({
        deviceId,
        token: server.addDevice(deviceId),
        url: proxy.url,
        journal: "memory",
        clock: hurriedClock(hurry),
        log: () => {},
      });
      onTestFinished(() => device.stop());
      return { deviceId, proxy, device, random: seededRandom(seed + at) };
    }),
  );
  const roundsEach = Math.ceil(rounds(60, 1_000) / deviceCount);
  await Promise.all(
    devices.map(async ({ proxy, device, random }) => {
      await eventually(() => expect(device.status.state).toBe("online"));
      for (let round = 0; round < roundsEach; round++) {
        const takenOverAt = Math.floor(random() * samplesARound);
        proxy.delay(random() < 0.5 ? 0 : random() * 40);
        for (let at = 0; at < samplesARound; at++) {
          const number = round * samplesARound + at + 1;
          const timestamp = new Date(startMs + number * 100).toISOString();
          device.send({ timestamp, system_status: {}, solar: { power: number } });
          if (at === takenOverAt) random() < 0.7 ? proxy.halfOpen("client") : proxy.cut();
          if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, random() * 10));
        }
        await eventually(() => expect(device.status.state).toBe("online"));
      }
      proxy.delay(0);
    }),
  );
  const sent = Array.from({ length: roundsEach * samplesARound }, (_, at) => at + 1);
  for (const { deviceId, device } of devices) {
    await eventually(() => expect([deviceId, device.waiting]).toEqual([deviceId, 0]));
    const from = new Date(startMs).toISOString();
    const stored = await storedSamples(server, deviceId, `limit=10000&from=${from}`);
    expect(stored.map(({ telemetry }) => telemetry.solar?.power)).toEqual(sent);
    expect([deviceId, device.counters.lost]).toEqual([deviceId, 0]);
  }
  // There were takeovers, and not only reconnects.
  expect(await metric(server, "wattboard_takeovers_total")).toBeGreaterThan(rounds(60, 1_000) / 4);
}, 3_600_000);
