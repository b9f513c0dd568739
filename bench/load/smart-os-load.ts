import { maskedFrame, TEXT } from "./burst.ts";
import { PacedLoad } from "./paced-load.ts";
import { closeAll, openAll, openSmartOs, type Peer } from "./peer.ts";

/** Updates on their way at once when the ceiling is sought; fewer devices have one each. */
const windowMax = 512;
/** Send times that are remembered, of all devices together; a web client that lags further behind ends the bench. */
const rememberedMax = 65_536;
const messageIds = 10_000;
const serialMax = 9_999;
const finText = 0x80 | TEXT;
const longLength = 126;
const hugeLength = 127;

/** Every update has as many bytes, and the same digits in the same places: message id, serial number, value. */
const sample = updateText(0, 1);
const messageIdAt = sample.indexOf("0000:0001");
const serialAt = messageIdAt + "0000:".length;
const okBytes = `{"type": "INFO", "message": "0000:0001:OK"}`.length;
const okAt = okBytes - `:OK"}`.length;

interface SolMate {
  readonly peer: Peer;
  sent: number;
  readonly sentAtMs: Float64Array;
  /** Updates that were answered with OK. */
  answered: number;
}

/**
 * SolMates, as `wattboard simulate solmate` has them but with updates as fast as wanted, and web clients, each of which is sent every update of
 * every device. A client's frames tell which update it is: each must come once, and those of a device in their order.
 */
export class SmartOsLoad extends PacedLoad {
  readonly #solMates: SolMate[] = [];
  readonly #clients: Peer[] = [];
  #turn = 0;
  sent = 0;
  /** Updates that have reached a client, once for each client. */
  delivered = 0;

  /** The web clients come first: their table is empty, and from then on they are told everything. */
  static async open(port: number, devices: number, clients: number): Promise<SmartOsLoad> {
    if (devices > serialMax) throw new Error(`Serial numbers have four digits: at most ${serialMax} devices.`);
    const load = new SmartOsLoad();
    load.#clients.push(...(await openAll(clients, () => load.#openClient(port, devices))));
    const remembered = Math.ceil(rememberedMax / devices);
    load.#solMates.push(...(await openAll(devices, () => openSolMate(port, remembered))));
    return load;
  }

  /** Each device says something once, which registers it. */
  introduce(): void {
    for (let i = 0; i < this.#solMates.length; i++) this.sendNext();
  }

  /** Every update has reached every client, and was answered with OK. */
  get isDrained(): boolean {
    if (this.delivered !== this.sent * this.#clients.length) return false;
    return this.#solMates.every(({ sent, answered }) => answered === sent);
  }

  close(): void {
    closeAll([...this.#clients, ...this.#solMates.map(({ peer }) => peer)]);
  }

  protected override get deviceCount(): number {
    return this.#solMates.length;
  }

  protected override fill(): void {
    const window = Math.min(windowMax, this.#solMates.length);
    while (this.sent - this.delivered / this.#clients.length < window) this.sendNext();
  }

  protected override sendNext(): void {
    const index = this.#turn;
    const solMate = this.#solMates[index] as SolMate;
    this.#turn = (index + 1) % this.#solMates.length;
    solMate.sentAtMs[solMate.sent % solMate.sentAtMs.length] = performance.now();
    const text = updateText(solMate.sent % messageIds, index + 1);
    solMate.peer.socket.write(maskedFrame(TEXT, Buffer.from(text)));
    solMate.sent++;
    this.sent++;
  }

  async #openClient(port: number, devices: number): Promise<Peer> {
    const next = new Uint32Array(devices);
    const frames = new Frames((payload) => this.#onDelivery(payload, next));
    return await openSmartOs(port, "client", (bytes) => {
      frames.take(bytes);
      if (this.isCeiling) this.fill();
    });
  }

  #onDelivery(payload: Buffer, next: Uint32Array): void {
    // The welcome, and the empty table.
    if (payload.length !== sample.length) return;
    const index = digits(payload, serialAt) - 1;
    const solMate = this.#solMates[index];
    const number = next[index] ?? 0;
    if (solMate === undefined || digits(payload, messageIdAt) !== number % messageIds) {
      throw new Error(`A web client missed an update, or got one twice: ${payload.toString()}`);
    }
    if (solMate.sent - number > solMate.sentAtMs.length) throw new Error("A web client lags too far behind.");
    next[index] = number + 1;
    this.delivered++;
    if (!this.isCeiling) {
      this.noteLatency(performance.now() - (solMate.sentAtMs[number % solMate.sentAtMs.length] as number));
    }
  }
}

async function openSolMate(port: number, remembered: number): Promise<SolMate> {
  const counted = { sent: 0, answered: 0 };
  const frames = new Frames((payload) => {
    if (payload.length === okBytes && payload.toString("latin1", okAt) === ':OK"}') counted.answered++;
  });
  const peer = await openSmartOs(port, "update", (bytes) => frames.take(bytes));
  return Object.assign(counted, { peer, sentAtMs: new Float64Array(remembered) });
}

/** Cuts a server's bytes into frames; unmasked and not fragmented, as servers send them. */
class Frames {
  readonly #onPayload: (payload: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(onPayload: (payload: Buffer) => void) {
    this.#onPayload = onPayload;
  }

  take(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (;;) {
      const length = all[at + 1] ?? 0;
      const headerBytes = length < longLength ? 2 : 4;
      if (all.length < at + headerBytes) break;
      if (all[at] !== finText || length === hugeLength)
        throw new Error("The server sent something else than a short text.");
      const payloadBytes = length < longLength ? length : all.readUInt16BE(at + 2);
      if (all.length < at + headerBytes + payloadBytes) break;
      this.#onPayload(all.subarray(at + headerBytes, at + headerBytes + payloadBytes));
      at += headerBytes + payloadBytes;
    }
    // The bytes are someone else's after this call.
    this.#rest = at === all.length ? Buffer.alloc(0) : Buffer.from(all.subarray(at));
  }
}

function updateText(messageId: number, serial: number): string {
  const head = `${String(messageId).padStart(4, "0")}:${String(serial).padStart(4, "0")}`;
  return `{"type": "UPDT", "message": "${head}:{\\"power_consumption\\": ${100 + (messageId % 900)}}"}`;
}

/** Four digits, as a number. */
function digits(bytes: Buffer, at: number): number {
  let number = 0;
  for (let i = at; i < at + 4; i++) number = number * 10 + (bytes[i] as number) - 48;
  return number;
}
