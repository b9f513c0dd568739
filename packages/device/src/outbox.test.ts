import { duplexTransport, ManualSdkClock } from "@wattboard/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { connectDevice } from "./connect-device.ts";

/** A device whose links are in the test's hand: no socket, no network, no waiting. */
function start() {
  const { transport, links } = duplexTransport();
  const clock = new ManualSdkClock();
  const fixed = { deviceId: "ems_001", token: "t", clock, transport, random: () => 0.5, log: () => {} };
  const device = connectDevice({ ...fixed, journal: false });
  onTestFinished(async () => {
    const stopped = device.stop();
    links.at(-1)?.end(1000);
    await stopped;
  });
  const link = () => links.at(-1) as (typeof links)[number];
  const telemetry = () =>
    link()
      .sent.map((text) => JSON.parse(text))
      .filter((each) => "device_id" in each);
  return { device, clock, links, link, telemetry };
}

const sample = { battery: { soc: 85 } };

describe("the outbox without a journal", () => {
  test("gives a sample to the link at once, in order, behind the hello", () => {
    const { device, link, telemetry } = start();
    link().accept();
    expect(device.send(sample)).toBe(true);
    expect(device.send({ battery: { soc: 86 } })).toBe(true);
    expect(JSON.parse(link().sent[0] ?? "")).toEqual({
      type: "hello",
      commands: {},
      device_time: "2026-01-31T12:00:00.000Z",
    });
    expect(telemetry().map(({ battery }) => battery.soc)).toEqual([85, 86]);
  });

  test("drops and counts what a link that takes no more would only make old, and goes on when it does", () => {
    const { device, link, telemetry } = start();
    link().accept();
    link().waitingBytes = 256 * 1024 + 1;
    expect(device.send(sample)).toBe(false);
    link().waitingBytes = 256 * 1024;
    expect(device.send(sample)).toBe(true);
    expect(device.counters).toMatchObject({ sent: 1, skippedCongested: 1 });
    expect(telemetry()).toHaveLength(1);
  });

  test("sends nothing to a link that has begun to close, nor to one that is gone, and goes on with the next", () => {
    const { device, clock, links, link, telemetry } = start();
    link().accept();
    link().close(1001, "");
    expect(device.send(sample)).toBe(false);
    link().end(1012, "restarting");
    expect(device.send(sample)).toBe(false);
    expect(device.counters).toMatchObject({ sent: 0, skippedOffline: 2 });
    clock.advanceToNext();
    expect(links).toHaveLength(2);
    link().accept();
    expect(device.send(sample)).toBe(true);
    expect(telemetry()).toHaveLength(1);
  });
});

describe("a link without sockets", () => {
  test("is cut when the handshake takes longer than 20 s, and when nothing is heard for a minute", () => {
    const { device, clock, link } = start();
    clock.advance(20_000);
    expect(device.status).toMatchObject({ state: "waiting", outage: { code: "unreachable" } });
    clock.advanceToNext();
    link().accept();
    clock.advance(50_000);
    link().ping();
    clock.advance(59_000);
    expect(device.status.state).toBe("online");
    clock.advance(1_000);
    expect(device.status).toMatchObject({ state: "waiting", outage: { code: "silent" } });
  });

  test("is told what the server's answer means, and waits as long as it asks", () => {
    const { device, clock, links, link } = start();
    link().refuse(503, "7");
    expect(device.status).toMatchObject({ state: "waiting", outage: { code: "busy", retryAfterMs: 7_000 } });
    clock.advance(7_000);
    expect(links).toHaveLength(1);
    clock.advance(1_750);
    expect(links).toHaveLength(2);
  });
});
