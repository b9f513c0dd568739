import type { AlarmKind } from "@wattboard/protocol";
import type { AlarmRule, Evidence } from "./alarm-record.ts";
import { Onset } from "./onset.ts";

/** Something that is told, and not read from a sample. */
export interface Told {
  /** Of which device, by the key of its registration, or of what of the server; `""`: the server itself. */
  readonly subject: string;
  /** In words, where it is about the server. */
  readonly words: string;
  readonly evidence: Evidence;
}

interface ToldState extends Told {
  readonly kind: AlarmKind;
  readonly onset: Onset;
  words: string;
  evidence: Evidence;
  /** Whether it holds, as far as was told. */
  holds: boolean;
  toldMs: number;
  because: string;
}

interface ToldServices {
  readonly ruleOf: (kind: AlarmKind) => AlarmRule | undefined;
  readonly rings: (kind: AlarmKind, told: Told, sinceMs: number, atMs: number) => void;
  readonly over: (kind: AlarmKind, subject: string, sinceMs: number, atMs: number, because: string) => void;
}

/** What is told again and again while it lasts, and is over when it has not been told for so long, ms. */
const quietMs: Partial<Record<AlarmKind, number>> = { contested: 10 * 60_000, values_left_out: 10 * 60_000 };
/** States that are held, of all kinds together; what is told beyond is not taken. More devices than any server has. */
const statesMax = 200_000;
const forEver = Number.POSITIVE_INFINITY;

/** Rules that nothing in a sample tells: the store, the disk, a clone. Each is told when it begins and when it is over, or as long as it lasts. */
export class ToldWatch {
  readonly #services: ToldServices;
  readonly #states = new Map<string, ToldState>();

  constructor(services: ToldServices) {
    this.#services = services;
  }

  /** It is so. */
  begin(kind: AlarmKind, told: Told, nowMs: number): void {
    const key = `${kind} ${told.subject}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      if (this.#states.size >= statesMax) return;
      state = { ...told, kind, onset: new Onset(), holds: true, toldMs: nowMs, because: "" };
      this.#states.set(key, state);
    }
    state.words = told.words;
    state.evidence = told.evidence;
    state.holds = true;
    state.toldMs = nowMs;
    this.#look(key, state, nowMs);
  }

  /** It is so no more. */
  end(kind: AlarmKind, subject: string, nowMs: number, because = "it is over"): void {
    const key = `${kind} ${subject}`;
    const state = this.#states.get(key);
    if (state === undefined) return;
    state.holds = false;
    state.because = because;
    this.#look(key, state, nowMs);
  }

  /** Ends what of this kind is not among these any more. */
  endAllBut(kind: AlarmKind, subjects: ReadonlySet<string>, nowMs: number): void {
    for (const state of this.#states.values()) {
      if (state.kind === kind && state.holds && !subjects.has(state.subject)) this.end(kind, state.subject, nowMs);
    }
  }

  /** It rings since then, as was stored. */
  resume(kind: AlarmKind, told: Told, heldSinceMs: number, nowMs: number): void {
    const onset = new Onset();
    onset.isRinging = true;
    onset.heldSinceMs = heldSinceMs;
    this.#states.set(`${kind} ${told.subject}`, { ...told, kind, onset, holds: true, toldMs: nowMs, because: "" });
  }

  /** Whether it holds, as far as was told. */
  holds(kind: AlarmKind, subject: string): boolean {
    return this.#states.get(`${kind} ${subject}`)?.holds ?? false;
  }

  /** What is held of these kinds is forgotten. */
  forget(kind: AlarmKind, subject?: string): void {
    if (subject !== undefined) this.#states.delete(`${kind} ${subject}`);
    else for (const [key, state] of this.#states) if (state.kind === kind) this.#states.delete(key);
  }

  tick(nowMs: number): void {
    for (const [key, state] of this.#states) {
      const quiet = quietMs[state.kind];
      if (state.holds && quiet !== undefined && nowMs - state.toldMs >= quiet) {
        state.holds = false;
        state.because = "it has not happened again";
      }
      this.#look(key, state, nowMs);
    }
  }

  #look(key: string, state: ToldState, nowMs: number): void {
    const { kind, onset } = state;
    const rule = this.#services.ruleOf(kind);
    if (rule === undefined) return;
    const settledMs = onset.settle(nowMs, forEver, rule);
    this.#tell(state, settledMs);
    this.#tell(state, onset.see(onset.isRinging !== state.holds, nowMs, forEver, rule));
    if (!state.holds && !onset.isRinging && !onset.isPending) this.#states.delete(key);
  }

  #tell(state: ToldState, atMs: number): void {
    if (Number.isNaN(atMs)) return;
    const { kind, onset, subject, because } = state;
    if (onset.isRinging) this.#services.rings(kind, state, onset.heldSinceMs, atMs);
    else this.#services.over(kind, subject, onset.heldSinceMs, atMs, because);
  }
}
