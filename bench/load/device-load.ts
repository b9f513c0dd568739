import { Burst } from "./burst.ts";
import { benchDeviceId } from "./message.ts";
import { closeAll, openAll, openDevice, type Peer } from "./peer.ts";

const PONG = 0x8a;
const pongBytes = 2;
/** Bursts that a device has sent and the server has not answered yet; enough that the server never waits. */
const burstsInFlight = 2;

interface Device {
  readonly peer: Peer;
  readonly id: string;
  bursts: readonly Burst[];
  sent: number;
  receivedBytes: number;
}

/**
 * Devices that send as fast as the server takes it. With every burst a ping goes along: its pong says that the burst has been processed, and
 * is the permit for the next one. So what waits is bounded, and the count is the server's progress, not what the kernel has buffered.
 */
export class DeviceLoad {
  readonly #devices: Device[];
  #running = false;
  #messagesPerBurst = 0;
  sent = 0;
  /** Messages that the server has processed. */
  processed = 0;

  private constructor(peers: readonly Peer[]) {
    this.#devices = peers.map((peer, index) => {
      const device: Device = { peer, id: benchDeviceId(index), bursts: [], sent: 0, receivedBytes: 0 };
      peer.onBytes = (bytes) => this.#receive(device, bytes);
      return device;
    });
  }

  static async open(port: number, devices: number): Promise<DeviceLoad> {
    return new DeviceLoad(await openAll(devices, (index) => openDevice(port, index)));
  }

  /** Each device writes bursts of so many messages. Start only when drained. */
  start(messagesPerBurst: number): void {
    this.#running = true;
    this.#messagesPerBurst = messagesPerBurst;
    for (const device of this.#devices) {
      device.bursts = Array.from(
        { length: burstsInFlight },
        () => new Burst(device.id, messagesPerBurst, { ping: true }),
      );
      for (let i = 0; i < burstsInFlight; i++) this.#send(device);
    }
  }

  /** Sends no more. What was sent is still processed: wait until `isDrained`. */
  stop(): void {
    this.#running = false;
  }

  get isDrained(): boolean {
    return this.processed === this.sent;
  }

  close(): void {
    closeAll(this.#devices.map(({ peer }) => peer));
  }

  #send(device: Device): void {
    // The burst before the last one has been answered, so its bytes are free again.
    const burst = device.bursts[device.sent++ % burstsInFlight] as Burst;
    this.sent += burst.messages;
    device.peer.socket.write(burst.stamped());
  }

  #receive(device: Device, bytes: Buffer): void {
    const isAligned = device.receivedBytes % pongBytes === 0;
    if (isAligned && bytes[0] !== PONG) throw new Error("The server sent a device something else than a pong.");
    const before = Math.floor(device.receivedBytes / pongBytes);
    device.receivedBytes += bytes.length;
    const pongs = Math.floor(device.receivedBytes / pongBytes) - before;
    this.processed += pongs * this.#messagesPerBurst;
    if (!this.#running) return;
    for (let i = 0; i < pongs; i++) this.#send(device);
  }
}
