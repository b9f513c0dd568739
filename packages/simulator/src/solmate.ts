import { Random } from "./random.ts";
import { type SolMateBehaviour, SolMateCurve } from "./solmate-curve.ts";
import { type SolMateParameters, SolMateRemote } from "./solmate-remote.ts";

export interface SolMateSettings {
  readonly behaviour: SolMateBehaviour;
  /** The largest value of everything that is measured; a whole number above 0. */
  readonly valueMax: number;
  /** Between two changes of a device pass from `sleepMinS` to `sleepMaxS` seconds, drawn anew each time. */
  readonly sleepMinS: number;
  readonly sleepMaxS: number;
  readonly seed: number;
  /** Whether a device begins with an INIT of all its attributes, most with a leading underscore, instead of an UPDT. */
  readonly initializer?: boolean;
  /** Whether a device announces what it can be told (CMND), and obeys. */
  readonly remoteControl?: boolean;
}

export interface SolMateMessage {
  /** `MMMM:SSSS`, which the server's answer repeats. */
  readonly head: string;
  /** The whole frame. */
  readonly text: string;
}

/** Message ids have four digits; after the last they begin anew. */
const messageIds = 10_000;
const saidMax = 16;

const measured = ["battery", "power_income", "power_inject", "power_consumption"] as const;
type Measured = (typeof measured)[number];
/** What goes out when it has changed. */
type Observed = Measured | keyof SolMateParameters;

interface Facts {
  readonly software_version: string;
  readonly country: string;
  readonly postcode: number;
  readonly solmate_version: "v1" | "v2";
  readonly pv_connectors: 1 | 2;
}

const softwareVersions = ["v1.4", "v2.0", "v8.6"] as const;
/** Countries with the least and the greatest of their postcodes. */
const countries: readonly [PostalCountry, ...PostalCountry[]] = [
  ["AT", 1_010, 9_992],
  ["CH", 1_000, 9_658],
  ["DE", 10_115, 99_998],
];
type PostalCountry = readonly [country: string, postcodeMin: number, postcodeMax: number];

/**
 * One SolMate without its link: what it measures, and what of that the server does not have yet (the observer pattern). What was not
 * answered with OK goes out again with the next change. A v2 has two panels and a clock, whose time goes with each update.
 */
export class SolMate {
  readonly serial: string;
  readonly #settings: SolMateSettings;
  readonly #random: Random;
  readonly #facts: Facts;
  readonly #curves: Readonly<Record<Measured, SolMateCurve>>;
  readonly #remote: SolMateRemote | null;
  readonly #unsent = new Set<Observed>();
  /** Sent, and not answered yet. */
  readonly #unanswered = new Set<Observed>();
  /** Bodies of CMND that go out before what has changed: what it can be told, and what became of it. At most 16; the oldest are left out. */
  #said: object[] = [];
  /** The next message has everything. */
  #tellsAll = true;
  /** Nothing was ever answered with OK. */
  #isNew = true;
  #messageId = 0;

  constructor(serial: string, settings: SolMateSettings) {
    this.serial = serial;
    this.#settings = settings;
    this.#remote = settings.remoteControl === true ? new SolMateRemote(settings.valueMax) : null;
    const name = `${settings.seed}/solmate/${serial}`;
    this.#random = new Random(name);
    this.#facts = drawFacts(this.#random);
    const curve = (point: Measured) =>
      new SolMateCurve(settings.behaviour, settings.valueMax, new Random(`${name}/${point}`));
    this.#curves = {
      battery: curve("battery"),
      power_income: curve("power_income"),
      power_inject: curve("power_inject"),
      power_consumption: curve("power_consumption"),
    };
  }

  /** How long until the next change, ms. */
  sleepMs(): number {
    const { sleepMinS, sleepMaxS } = this.#settings;
    return 1_000 * this.#random.between(sleepMinS, sleepMaxS);
  }

  /** One of the values moves on. Where it happens to stay as it was, nothing has changed. */
  change(): void {
    const point = this.#random.pick(measured);
    const before = this.#valueOf(point);
    this.#curves[point].next();
    if (this.#valueOf(point) !== before) this.#unsent.add(point);
  }

  /** Takes the body of a CMND: a command, which is carried out at once. Gives whether it was one. */
  command(body: unknown, nowMs: number): boolean {
    const before = this.#observed();
    const result = this.#remote?.take(body, nowMs) ?? null;
    if (result === null) return false;
    this.#said = [...this.#said, result].slice(-saidMax);
    const after = this.#observed();
    for (const name of Object.keys(after) as Observed[]) if (after[name] !== before[name]) this.#unsent.add(name);
    return true;
  }

  /** A new link: who is at its other end may know nothing, so the next message has everything. */
  linked(): void {
    this.#tellsAll = true;
    this.#said = this.#remote === null ? [] : [this.#remote.announcement];
  }

  /** The message to send now, whose answer is to be handed to `answered`; null where nothing has changed. */
  nextMessage(now: Date, serverUrl: string): SolMateMessage | null {
    // Who it is says its first update.
    const said = this.#tellsAll ? undefined : this.#said.shift();
    if (!this.#tellsAll && said === undefined && this.#unsent.size === 0) return null;
    const messageId = String(this.#messageId).padStart(4, "0");
    this.#messageId = (this.#messageId + 1) % messageIds;
    const head = `${messageId}:${this.serial}`;
    if (said !== undefined) return frameOf("CMND", head, said);
    const isInit = this.#tellsAll && this.#isNew && this.#settings.initializer === true;
    const body = isInit ? this.#attributes(messageId, serverUrl) : this.#update(now);
    for (const point of this.#unsent) this.#unanswered.add(point);
    this.#unsent.clear();
    return frameOf(isInit ? "INIT" : "UPDT", head, body);
  }

  /** Whether the last message was answered with OK; ERROR, nothing in time, and a link that is gone are all the same. */
  answered(isOk: boolean): void {
    if (isOk) this.#isNew = this.#tellsAll = false;
    else for (const point of this.#unanswered) this.#unsent.add(point);
    this.#unanswered.clear();
  }

  #valueOf(point: Measured): number {
    const { value } = this.#curves[point];
    if (point !== "power_inject" || this.#remote === null) return value;
    const { inject_max, injecting } = this.#remote.parameters;
    return injecting ? Math.min(value, inject_max) : 0;
  }

  /** All that is observed, in the order of the documents. */
  #observed(): Readonly<Partial<Record<Observed, number | boolean>>> {
    const values = Object.fromEntries(measured.map((point) => [point, this.#valueOf(point)]));
    return { ...values, ...this.#remote?.parameters };
  }

  /** The order of the names is that of the documents. */
  #update(now: Date): object {
    const clock = this.#facts.solmate_version === "v2" ? { local_time: localTime(now) } : {};
    const { battery, ...others } = this.#observed();
    if (this.#tellsAll) return { battery, ...this.#facts, ...others, ...clock };
    const changed = Object.entries({ battery, ...others }).filter(([name]) => this.#unsent.has(name as Observed));
    return { ...Object.fromEntries(changed), ...clock };
  }

  /** As Python's `__dict__` has them: with the underscore what is observed, and the machinery too. */
  #attributes(messageId: string, serverUrl: string): object {
    const { software_version, country, postcode, solmate_version, pv_connectors } = this.#facts;
    const { battery, power_income, power_inject, power_consumption, ...parameters } = this.#observed();
    return {
      serial_number: this.serial,
      solmate_version,
      _software_version: software_version,
      _country: country,
      _postcode: postcode,
      _power_income: power_income,
      _power_inject: power_inject,
      _power_consumption: power_consumption,
      _battery: battery,
      _capacity: 5_184_000,
      _local_time: null,
      server_url: serverUrl,
      websocket: "",
      connected: true,
      publish: true,
      message_id: messageId,
      message_queue: {},
      tasks: "",
      meassuring: true,
      charging: false,
      injecting: false,
      pv_connectors,
      ...parameters,
    };
  }
}

function frameOf(type: "INIT" | "UPDT" | "CMND", head: string, body: object): SolMateMessage {
  return { head, text: JSON.stringify({ type, message: `${head}:${JSON.stringify(body)}` }) };
}

function drawFacts(random: Random): Facts {
  const [country, postcodeMin, postcodeMax] = random.pick(countries);
  const isV2 = random.uniform() < 0.5;
  return {
    software_version: random.pick(softwareVersions),
    country,
    postcode: Math.floor(random.between(postcodeMin, postcodeMax + 1)),
    solmate_version: isV2 ? "v2" : "v1",
    pv_connectors: isV2 ? 2 : 1,
  };
}

/** As Python writes a time without a zone: `2024-03-17 14:59:13.047108`. */
function localTime(now: Date): string {
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000);
  return local.toISOString().replace("T", " ").replace("Z", "000");
}
