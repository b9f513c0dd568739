import type { Socket } from "node:net";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { Outbox } from "./outbox.ts";

/** A socket whose peer reads only when told to. */
class LazySocket extends Writable {
  bytesWritten = 0;
  #taken: (() => void) | null = null;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#taken = () => {
      this.bytesWritten += chunk.length;
      done();
    };
  }

  read(): void {
    this.#taken?.();
  }
}

function outboxOver(socket: LazySocket): Outbox {
  // Like a net.Socket, count what waits as written.
  const counting = new Proxy(socket, {
    get: (target, name) => {
      if (name === "bytesWritten") return target.bytesWritten + target.writableLength;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return new Outbox(counting as unknown as Socket, { outboxBytesMax: 100, outboxStalledMsMax: 10_000 });
}

test("takes what fits, and refuses the frame that would be too much", () => {
  const outbox = outboxOver(new LazySocket());
  expect(outbox.write(Buffer.alloc(60))).toBe(true);
  expect(outbox.write(Buffer.alloc(40))).toBe(true);
  expect(outbox.write(Buffer.alloc(1))).toBe(false);
});

test("a reader that takes something now and then is not stalled, one that takes nothing is", () => {
  const socket = new LazySocket();
  const outbox = outboxOver(socket);
  expect(outbox.isStalled(0)).toBe(false);
  outbox.write(Buffer.alloc(10));
  outbox.write(Buffer.alloc(10));
  expect(outbox.isStalled(1_000)).toBe(false);
  expect(outbox.isStalled(10_999)).toBe(false);
  socket.read();
  expect(outbox.isStalled(11_000)).toBe(false);
  expect(outbox.isStalled(20_999)).toBe(false);
  expect(outbox.isStalled(21_000)).toBe(true);
  socket.read();
  expect(outbox.isStalled(22_000)).toBe(false);
});
