import { type Clock, systemClock } from "./clock.ts";

export type NextTurn = Clock["nextTurn"];

interface Waiting {
  readonly task: () => void;
  readonly isWanted: () => boolean;
}

const always = (): boolean => true;

/**
 * Lets one task through in a turn of the event loop: what else has come, live samples above all, is read before the next. So work that comes
 * by the thousand takes a little longer altogether, and holds up nobody for longer than one piece of it takes.
 */
export class YieldQueue {
  readonly #waitingMax: number;
  readonly #nextTurn: NextTurn;
  #waiting: Waiting[] = [];
  /** Where the line begins; what is before it has gone through. */
  #first = 0;
  #isTaken = false;

  /** `waitingMax`: tasks that may wait; one more is turned away. */
  constructor(waitingMax: number, nextTurn: NextTurn = systemClock.nextTurn) {
    this.#waitingMax = waitingMax;
    this.#nextTurn = nextTurn;
  }

  /**
   * Runs the task, at once where nobody has gone through in this turn, or when all that wait have. False where it was turned away. `task` must not
   * throw. One that is wanted no more when its turn comes is left out, and takes nobody's turn.
   */
  pass(task: () => void, isWanted: () => boolean = always): boolean {
    if (this.waitingCount >= this.#waitingMax) return false;
    if (this.#isTaken) this.#waiting.push({ task, isWanted });
    else if (isWanted()) this.#let(task);
    return true;
  }

  /** Resolves in the next turn: for work that is done in slices. */
  nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#nextTurn(resolve));
  }

  get waitingCount(): number {
    return this.#waiting.length - this.#first;
  }

  #let(task: () => void): void {
    this.#isTaken = true;
    this.#nextTurn(() => this.#turn());
    task();
  }

  #turn(): void {
    this.#isTaken = false;
    let next: Waiting | undefined;
    do next = this.#waiting[this.#first++];
    while (next !== undefined && !next.isWanted());
    if (this.#first >= this.#waiting.length) {
      this.#waiting = [];
      this.#first = 0;
    }
    if (next !== undefined) this.#let(next.task);
  }
}
