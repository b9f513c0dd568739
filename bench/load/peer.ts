import { connect, type Socket } from "node:net";
import { benchDeviceId, benchToken } from "./message.ts";

const handshakeMsMax = 20_000;
const handshakesAtOnce = 64;
/** All sockets read into the same buffer: what came in is looked at before the next read. */
const readBuffer = Buffer.allocUnsafe(256 * 1024);

/** A WebSocket reduced to what the load needs: bytes out as they are, bytes in to be counted. It unmasks, parses and answers nothing. */
export interface Peer {
  readonly socket: Socket;
  /** `bytes` is valid only during the call. Throws to end the bench. */
  onBytes: (bytes: Buffer) => void;
}

export function openDevice(port: number, index: number): Promise<Peer> {
  return openPeer(port, `/ws/device/${benchDeviceId(index)}`, `Authorization: Bearer ${benchToken}\r\n`);
}

/** A SolMate, or a web client of SMART-OS; `onBytes` gets all that comes, from the welcome on. */
export function openSmartOs(port: number, door: "update" | "client", onBytes: Peer["onBytes"]): Promise<Peer> {
  return openPeer(port, `/${door}/`, "", onBytes);
}

export function openDashboard(port: number, deviceIndex: number): Promise<Peer> {
  return openPeer(port, `/ws/dashboard/${benchDeviceId(deviceIndex)}`, "");
}

/** Opens `count` peers, a few at a time; the result is in order. */
export async function openAll<T = Peer>(count: number, open: (index: number) => Promise<T>): Promise<T[]> {
  const peers = new Array<T>(count);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      peers[index] = await open(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(handshakesAtOnce, count) }, lane));
  return peers;
}

/** Cuts the sockets with a reset, which leaves no port waiting. */
export function closeAll(peers: readonly Peer[]): void {
  for (const { socket } of peers) {
    socket.removeAllListeners("close");
    socket.resetAndDestroy();
  }
}

/** Without `onBytes`, nothing may come before the peer is open, and what comes after is for who sets it then. */
function openPeer(port: number, path: string, extraHeaders: string, onBytes?: Peer["onBytes"]): Promise<Peer> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const onread = {
      buffer: readBuffer,
      callback(count: number): boolean {
        peer.onBytes(readBuffer.subarray(0, count));
        return true;
      },
    };
    const socket = connect({ host: "127.0.0.1", port, noDelay: true, onread });
    const refuse = (reason: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new Error(`The handshake for ${path} failed: ${reason}.`));
    };
    const timer = setTimeout(() => refuse("no answer"), handshakeMsMax);
    const peer: Peer = {
      socket,
      onBytes(bytes) {
        answer += bytes.toString("latin1");
        const endsAt = answer.indexOf("\r\n\r\n") + headerEndBytes;
        if (endsAt < headerEndBytes) return;
        const early = bytes.subarray(bytes.length - (answer.length - endsAt));
        if (!answer.startsWith("HTTP/1.1 101 ") || (early.length > 0 && onBytes === undefined)) {
          refuse(answer.slice(0, answer.indexOf("\r\n")));
          return;
        }
        clearTimeout(timer);
        peer.onBytes = onBytes ?? (() => {});
        if (early.length > 0) peer.onBytes(early);
        socket.once("close", () => {
          throw new Error(`The server closed ${path}.`);
        });
        resolve(peer);
      },
    };
    socket.on("error", (error) => refuse(error.message));
    socket.once("connect", () => {
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${webSocketKey}\r\n${extraHeaders}\r\n`,
      );
    });
  });
}

const headerEndBytes = 4;
const webSocketKey = Buffer.from("wattboard-bench!").toString("base64");
