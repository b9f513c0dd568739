import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { type DeviceList, describeDevicesFault, packDevices, unpackDevices, withoutDevice } from "./device-list.ts";
import type { Role } from "./principal.ts";
import type { Revocations } from "./revocations.ts";

/** Someone with an account. Replaced as a whole by each change, so that who holds an old one sees that it is no longer current. */
export interface Person {
  /** What they sign in with, in small letters. */
  readonly name: string;
  readonly email: string | null;
  readonly role: Role;
  readonly devices: DeviceList;
  /** In PHC format; null until they have chosen one. */
  readonly passwordHash: string | null;
  readonly createdAtMs: number;
}

export interface NewPerson {
  readonly name: string;
  readonly email?: string | null | undefined;
  readonly role: Role;
  /** Null: all there are. */
  readonly devices: readonly string[] | null;
}

export type PersonChange = Partial<Omit<NewPerson, "name">>;

/** All of them are in memory; more are refused. */
const peopleMax = 10_000;
const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const emailPattern = /^[^\s@]{1,64}@[^\s@]{1,190}$/;

/** Characters of an account, and one: what is longer is nobody's, and to normalise it takes the square of its length where it is nothing but accents. */
const accountLengthMax = 321;

/** How an account is looked for and stored: without case, and without the blanks that pasting brings. */
export function normalAccount(text: string): string {
  return text.trim().slice(0, accountLengthMax).normalize("NFKC").toLowerCase();
}

/** The people with an account and their rights. In memory, written through to `access.db`. */
export class People {
  readonly #clock: Clock;
  readonly #people = new Map<string, Person>();
  readonly #nameByEmail = new Map<string, string>();
  readonly #revocations: Revocations;
  readonly #save: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, clock: Clock, revocations: Revocations) {
    this.#clock = clock;
    this.#revocations = revocations;
    this.#save = database.prepare(
      "INSERT OR REPLACE INTO person (name, email, role, devices, password_hash, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#delete = database.prepare("DELETE FROM person WHERE name = ?");
    for (const row of database.prepare("SELECT * FROM person ORDER BY name").all()) {
      this.#keep({
        name: String(row.name),
        email: row.email === null ? null : String(row.email),
        role: String(row.role) as Role,
        devices: unpackDevices(row.devices),
        passwordHash: row.password_hash === null ? null : String(row.password_hash),
        createdAtMs: Number(row.created_at_ms),
      });
    }
    revocations.enforceWith("person", (name, mark) => {
      const person = this.#people.get(name);
      if (person !== undefined && String(person.createdAtMs) !== mark) return;
      if (person !== undefined) this.#forget(person);
      this.#delete.run(name);
    });
  }

  /** Makes an account without a password: nobody can sign in to it yet. */
  add({ name: wanted, email = null, role, devices }: NewPerson): Person | Refusal {
    const name = normalAccount(wanted);
    if (!namePattern.test(name)) {
      return refuse(
        "invalid_request",
        "A name has 1 to 64 of a-z 0-9 . _ - and starts with a letter or a digit; an e-mail address is given beside it.",
      );
    }
    if (this.#people.has(name)) return refuse("person_exists", `Change ${name}, or choose another name.`);
    if (this.#people.size >= peopleMax) {
      return refuse("invalid_request", `There are ${peopleMax} people already; remove some first.`);
    }
    return this.#change(
      { name, email: null, role, devices: null, passwordHash: null, createdAtMs: this.#clock.wallMs() },
      { email, role, devices },
    );
  }

  /** Changes what is given and leaves the rest. */
  change(name: string, change: PersonChange): Person | Refusal {
    const person = this.find(name);
    if (person === undefined) return unknownPerson(name);
    const isDemoted = person.role === "admin" && change.role !== undefined && change.role !== "admin";
    if (isDemoted && this.#isLastAdministrator(person)) return refuse("last_administrator");
    return this.#change(person, change);
  }

  setPassword(name: string, passwordHash: string): Person | Refusal {
    const person = this.find(name);
    return person === undefined ? unknownPerson(name) : this.#put({ ...person, passwordHash });
  }

  /** Also while the disk is full. */
  remove(name: string): Person | Refusal {
    const person = this.find(name);
    if (person === undefined) return unknownPerson(name);
    if (this.#isLastAdministrator(person)) return refuse("last_administrator");
    this.#forget(person);
    this.#revocations.save("person", person.name, String(person.createdAtMs), () => this.#delete.run(person.name));
    return person;
  }

  /** A device that is gone is nobody's any more. */
  forgetDevice(deviceId: string): void {
    for (const person of [...this.#people.values()]) {
      const devices = withoutDevice(person.devices, deviceId);
      if (devices !== person.devices) this.#put({ ...person, devices });
    }
  }

  find(name: string): Person | undefined {
    return this.#people.get(normalAccount(name));
  }

  /** Whoever signs in with this name or e-mail address. */
  findAccount(account: string): Person | undefined {
    const normal = normalAccount(account);
    return this.#people.get(this.#nameByEmail.get(normal) ?? normal);
  }

  list(): Person[] {
    return [...this.#people.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Whether anyone can sign in who may administer. */
  get hasAdministrator(): boolean {
    return [...this.#people.values()].some(canAdminister);
  }

  #isLastAdministrator(person: Person): boolean {
    return (
      canAdminister(person) && ![...this.#people.values()].some((other) => other !== person && canAdminister(other))
    );
  }

  #change(person: Person, change: PersonChange): Person | Refusal {
    const role = change.role ?? person.role;
    // Whoever becomes administrator has all devices, whatever was given to them before.
    const kept = role === "admin" ? null : person.devices === null ? null : [...person.devices];
    const devices = change.devices === undefined ? kept : change.devices;
    const fault = describeDevicesFault(role, devices);
    if (fault !== null) return refuse("invalid_request", fault);
    const email =
      change.email === undefined ? person.email : change.email === null ? null : normalAccount(change.email);
    if (email !== null && !emailPattern.test(email)) {
      return refuse("invalid_request", "The e-mail address must look like ann@example.org.");
    }
    const owner = email === null ? undefined : this.#nameByEmail.get(email);
    if (owner !== undefined && owner !== person.name)
      return refuse("person_exists", "The e-mail address is another's.");
    return this.#put({ ...person, email, role, devices: devices === null ? null : new Set(devices) });
  }

  #put(person: Person): Person {
    const { name, email, role, devices, passwordHash, createdAtMs } = person;
    this.#save.run(name, email, role, packDevices(devices), passwordHash, createdAtMs);
    const before = this.#people.get(name);
    if (before !== undefined) this.#forget(before);
    this.#keep(person);
    return person;
  }

  #keep(person: Person): void {
    this.#people.set(person.name, person);
    if (person.email !== null) this.#nameByEmail.set(person.email, person.name);
  }

  #forget(person: Person): void {
    this.#people.delete(person.name);
    if (person.email !== null) this.#nameByEmail.delete(person.email);
  }
}

function canAdminister({ role, passwordHash }: Person): boolean {
  return role === "admin" && passwordHash !== null;
}

export function unknownPerson(name: string): Refusal {
  return refuse("not_found", `Nobody is called ${JSON.stringify(name.slice(0, 80))}.`);
}
