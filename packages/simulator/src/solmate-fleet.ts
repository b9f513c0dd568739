import { type Clock, DeviceConfigurationError } from "@wattboard/device";
import { smartOsPaths } from "@wattboard/protocol";
import { Pacer } from "./pacer.ts";
import { SolMate, type SolMateSettings } from "./solmate.ts";
import { type SolMateCounters, SolMateLink } from "./solmate-link.ts";
import type { SolMateStatus } from "./solmate-status.ts";

/** Serial numbers have four digits. */
const serialMax = 9_999;

export interface SolMateFleetSettings extends SolMateSettings {
  /** The server's base address, or the one of its door: `http://127.0.0.1:8000`, `ws://127.0.0.1:8000/update/`. */
  readonly url: string;
  /** How many; their serial numbers are 0001, 0002 …. */
  readonly devices: number;
  /** The first one's serial number, for a second fleet beside the first. Default 1. */
  readonly firstSerial?: number;
  /** Tokens by serial number, for a server that asks for them. */
  readonly tokens?: ReadonlyMap<string, string>;
}

/** Handshakes a second: a server that has just started takes them without a queue. */
const connectsPerSecond = 200;
/** After a stall, handshakes are not made up for at once. */
const connectsAtOnceMax = 20;

/** All SolMates of a process. One caller connects them by its turns; from then on each keeps its own time. */
export class SolMateFleet {
  readonly #settings: SolMateFleetSettings;
  readonly #clock: Clock;
  readonly #address: URL;
  readonly #startedMs: number;
  readonly #links: SolMateLink[] = [];
  readonly #connects = new Pacer(connectsPerSecond);
  readonly #counters: SolMateCounters = { sent: 0, ok: 0, errors: 0, unanswered: 0, refused: 0, commands: 0 };
  #trouble: string | null = null;
  #before: SolMateCounters & { atMs: number };

  /** @throws DeviceConfigurationError which names everything that is wrong in the settings */
  constructor(settings: SolMateFleetSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#address = assertUsable(settings);
    this.#startedMs = clock.monotonicMs();
    this.#before = { ...this.#counters, atMs: this.#startedMs };
  }

  /** Connects the next devices, as far as they have come due. */
  turn(): void {
    const elapsedMs = this.#clock.monotonicMs() - this.#startedMs;
    // The first device does not wait for its slot.
    const due = Math.min(connectsAtOnceMax, this.#connects.due(elapsedMs + 1_000 / connectsPerSecond));
    this.#connects.take(Math.min(due, this.#settings.devices - this.#connects.next));
    while (this.#links.length < this.#connects.next) this.#links.push(this.#connect(this.#links.length));
  }

  #connect(index: number): SolMateLink {
    const { firstSerial = 1, tokens } = this.#settings;
    const serial = serialOf(firstSerial + index);
    const link = new SolMateLink(new SolMate(serial, this.#settings), {
      address: this.#address,
      token: tokens?.get(serial),
      clock: this.#clock,
      counters: this.#counters,
      onTrouble: this.#noteTrouble,
    });
    link.start();
    return link;
  }

  readonly #noteTrouble = (trouble: string): void => {
    this.#trouble = trouble;
  };

  status(): SolMateStatus {
    const { devices } = this.#settings;
    const connected = this.#links.filter(({ isOpen }) => isOpen).length;
    const atMs = this.#clock.monotonicMs();
    const sent = this.#counters.sent - this.#before.sent;
    const sentPerSecond = (sent * 1_000) / Math.max(1, atMs - this.#before.atMs);
    const { ok, errors, unanswered } = this.#counters;
    const isAllWell = ok > this.#before.ok && errors === this.#before.errors && unanswered === this.#before.unanswered;
    if (connected === devices && isAllWell) this.#trouble = null;
    this.#before = { ...this.#counters, atMs };
    return { devices, connected, sentPerSecond, ...this.#counters, trouble: this.#trouble };
  }

  /** Resolves when every link is closed. */
  async stop(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.stop()));
  }
}

/** `0001` */
function serialOf(number: number): string {
  return String(number).padStart(4, "0");
}

/** Gives the address of the door. */
function assertUsable(settings: SolMateFleetSettings): URL {
  const { url, devices, firstSerial = 1, valueMax, sleepMinS, sleepMaxS } = settings;
  const problems: string[] = [];
  const address = solMateAddress(url);
  if (address === null) {
    problems.push(
      "The url is not an address such as http://127.0.0.1:8000 or ws://127.0.0.1:8000/update/: " +
        "http, https, ws or wss, and no user, query or fragment.",
    );
  }
  const lastSerial = firstSerial + devices - 1;
  if (!Number.isInteger(devices) || devices < 1 || !Number.isInteger(firstSerial) || firstSerial < 0) {
    problems.push(
      "The number of devices must be a whole number of at least 1, and the first serial number of at least 0.",
    );
  } else if (lastSerial > serialMax) {
    problems.push(`Serial numbers have four digits: ${lastSerial} would be the last, and ${serialMax} is the highest.`);
  }
  if (!Number.isSafeInteger(valueMax) || valueMax < 1) problems.push("valueMax must be a whole number of at least 1.");
  if (!(sleepMinS > 0 && sleepMaxS >= sleepMinS && Number.isFinite(sleepMaxS))) {
    problems.push(`The sleep of ${sleepMinS} to ${sleepMaxS} s must be above 0, and its end not before its start.`);
  }
  if (problems.length > 0 || address === null) throw new DeviceConfigurationError(problems);
  return address;
}

/** The address may be that of the door, as `SERVER_URL` of solmate.py is. */
function solMateAddress(url: string): URL | null {
  if (!/^(https?|wss?):\/\//.test(url) || !URL.canParse(url)) return null;
  const address = new URL(url.replace(/^http/, "ws"));
  const { username, password, search, hash } = address;
  if (`${username}${password}${search}${hash}` !== "") return null;
  if (!/\/update\/?$/.test(address.pathname)) address.pathname = address.pathname.replace(/\/?$/, smartOsPaths.update);
  return address;
}
