/** An event loop that turns when a test says so. */
export class ManualTurns {
  #tasks: (() => void)[] = [];

  readonly next = (task: () => void): void => {
    this.#tasks.push(task);
  };

  /** Runs what was to come in the next turn. */
  run(): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
  }
}
