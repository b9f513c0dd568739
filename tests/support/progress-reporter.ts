import { DefaultReporter, type TestModule, type TestSpecification } from "vitest/node";

/** The default reporter, which also says how far a run is: outside a terminal it would be silent about what is still to come. */
export class ProgressReporter extends DefaultReporter {
  #files = 0;
  #done = 0;
  #startMs = 0;

  override onTestRunStart(specifications: readonly TestSpecification[]): void {
    super.onTestRunStart(specifications);
    this.#files = specifications.length;
    this.#done = 0;
    this.#startMs = performance.now();
  }

  override onTestModuleEnd(module: TestModule): void {
    super.onTestModuleEnd(module);
    this.#done++;
    if (this.isTTY || this.#done % 10 !== 0) return;
    const minutes = ((performance.now() - this.#startMs) / 60_000).toFixed(1);
    this.log(` ${this.#done} of ${this.#files} files after ${minutes} min`);
  }
}
