import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { ManualTurns } from "@wattboard/testing";
import { expect, onTestFinished, test } from "vitest";
import type { AddressLimit } from "../access/address-limit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import { YieldQueue } from "../base/yield-queue.ts";
import type { SocketBound } from "../http/socket-bound.ts";
import type { Health } from "../observe/health.ts";
import type { Log } from "../observe/log.ts";
import type { Throttle } from "../observe/throttle.ts";
import type { Door } from "./door.ts";
import type { DoorName } from "./door-name.ts";
import { UpgradeRouter } from "./upgrade-router.ts";

test("handshakes are let in one a turn, and those whose client has left cost nobody's turn", async () => {
  const turns = new ManualTurns();
  const seen: string[] = [];
  const door = (name: DoorName): Door => ({ name, accept: (_handshake, rest) => seen.push(rest) });
  const router = new UpgradeRouter(
    {
      device: door("device"),
      dashboard: door("dashboard"),
      fleet: door("fleet"),
      update: door("update"),
      client: door("client"),
    },
    {
      authorizer: {
        isTransportAllowed: () => true,
        isHostAllowed: () => true,
        addressOf: () => "127.0.0.1",
      } as unknown as Authorizer,
      health: { isStopping: false } as Health,
      log: {} as Log,
      socketBound: { isBeyond: () => false } as unknown as SocketBound,
      throttle: {} as Throttle,
    },
    { take: () => true, takeFor: () => true } as unknown as AddressLimit,
    new YieldQueue(10, turns.next),
  );
  const server = createServer();
  router.attach(server);
  let cameCount = 0;
  server.on("upgrade", () => cameCount++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const accept = async (name: string): Promise<Socket> => {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => {});
    const before = cameCount;
    socket.write(`GET /ws/device/${name} HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    while (cameCount === before) await new Promise((resolve) => setImmediate(resolve));
    return socket;
  };
  /** Until what has come is read, and waits. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  await accept("first");
  await settle();
  expect(seen).toEqual(["first"]);
  const reset = await accept("reset");
  const ended = await accept("ended");
  await accept("patient");
  await settle();
  reset.resetAndDestroy();
  ended.end();
  await settle();
  turns.run();
  expect(seen).toEqual(["first", "patient"]);
  expect(router.leftCount).toBe(2);
  // One whose end comes right behind its request has left before anything is done for it.
  turns.run();
  const hasty = connect((server.address() as AddressInfo).port, "127.0.0.1");
  sockets.push(hasty);
  const before = cameCount;
  hasty.end("GET /ws/device/hasty HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  while (cameCount === before) await new Promise((resolve) => setImmediate(resolve));
  await settle();
  expect(seen).toEqual(["first", "patient"]);
  expect(router.leftCount).toBe(3);
});
