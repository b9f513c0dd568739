import { describe } from "vitest";

/**
 * A `describe` for a suite that needs something of the machine. Where it is not there, the suite is skipped in plain sight: its title and a
 * warning say what is missing. In CI nothing may be missing, so there it fails.
 */
export function needs(what: string, isThere: boolean): (title: string, suite: () => void) => void {
  if (!isThere && process.env.CI === "true") throw new Error(`This suite needs ${what}, and in CI it must run.`);
  return (title, suite) => {
    if (!isThere) console.warn(`SKIPPED: ${title} (it needs ${what})`);
    describe.skipIf(!isThere)(isThere ? title : `${title} (skipped: it needs ${what})`, suite);
  };
}
