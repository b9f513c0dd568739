import { Burst, deliveryHeaderBytes } from "./burst.ts";
import { benchDeviceId } from "./message.ts";
import { PacedLoad } from "./paced-load.ts";
import { closeAll, openAll, openDashboard, openDevice, type Peer } from "./peer.ts";

const TEXT = 0x81;
/** Send times that are remembered; a dashboard that lags further behind ends the bench. */
const remembered = 4_096;

/** One device and those who watch it. */
interface Group {
  readonly device: Peer;
  readonly burst: Burst;
  readonly dashboards: number;
  readonly sentAtMs: Float64Array;
  sent: number;
  delivered: number;
}

export interface Topology {
  readonly devices: number;
  readonly dashboardsPerDevice: number;
  /** Index of the first of them; it must have sent nothing before, for a dashboard would be told of that. Default 0. */
  readonly firstDevice?: number;
  /** Messages of one device on the way at once, when the ceiling is sought. */
  readonly window: number;
}

/**
 * Devices and their dashboards. All messages have one length, and TCP keeps their order: the n-th frame of a dashboard is the n-th message
 * of its device, so that latency is known without reading a byte of the message.
 */
export class FanoutLoad extends PacedLoad {
  readonly #groups: Group[] = [];
  readonly #peers: Peer[] = [];
  readonly #window: number;
  delivered = 0;

  private constructor(window: number) {
    super();
    this.#window = window;
  }

  static async open(
    port: number,
    { devices, dashboardsPerDevice, window, firstDevice = 0 }: Topology,
  ): Promise<FanoutLoad> {
    const load = new FanoutLoad(window);
    const dashboards = await openAll(devices * dashboardsPerDevice, (index) =>
      openDashboard(port, firstDevice + Math.floor(index / dashboardsPerDevice)),
    );
    const devicePeers = await openAll(devices, (index) => openDevice(port, firstDevice + index));
    devicePeers.forEach((device, index) => {
      device.onBytes = () => {
        throw new Error("The server sent a device something unasked.");
      };
      const group: Group = {
        device,
        burst: new Burst(benchDeviceId(firstDevice + index), 1, { ping: false }),
        dashboards: dashboardsPerDevice,
        sentAtMs: new Float64Array(remembered),
        sent: 0,
        delivered: 0,
      };
      load.#groups.push(group);
      const watching = dashboards.slice(index * dashboardsPerDevice, (index + 1) * dashboardsPerDevice);
      for (const dashboard of watching) load.#watch(group, dashboard);
    });
    load.#peers.push(...devicePeers, ...dashboards);
    return load;
  }

  protected override get deviceCount(): number {
    return this.#groups.length;
  }

  protected override sendNext(nth: number): void {
    this.#send(this.#groups[nth % this.#groups.length] as Group);
  }

  protected override fill(): void {
    for (const group of this.#groups) this.#fill(group);
  }

  get isDrained(): boolean {
    return this.#groups.every(({ sent, delivered, dashboards }) => delivered === sent * dashboards);
  }

  close(): void {
    closeAll(this.#peers);
  }

  #watch(group: Group, dashboard: Peer): void {
    const frameBytes = deliveryHeaderBytes + group.burst.messageBytes;
    let receivedBytes = 0;
    let frames = 0;
    dashboard.onBytes = (bytes) => {
      const nowMs = performance.now();
      if (receivedBytes % frameBytes === 0 && bytes[0] !== TEXT) {
        throw new Error("The server sent a dashboard something else than a text.");
      }
      receivedBytes += bytes.length;
      const before = frames;
      frames = Math.floor(receivedBytes / frameBytes);
      if (group.sent - before > remembered) throw new Error("A dashboard lags too far behind.");
      if (!this.isCeiling) {
        for (let i = before; i < frames; i++) this.noteLatency(nowMs - (group.sentAtMs[i % remembered] as number));
      }
      group.delivered += frames - before;
      this.delivered += frames - before;
      if (this.isCeiling) this.#fill(group);
    };
  }

  #fill(group: Group): void {
    while (group.sent - group.delivered / group.dashboards < this.#window) this.#send(group);
  }

  #send(group: Group): void {
    group.sentAtMs[group.sent++ % remembered] = performance.now();
    // A message is much smaller than the kernel's buffer: it is taken at once, and the bytes are free again.
    group.device.socket.write(group.burst.stamped());
  }
}
