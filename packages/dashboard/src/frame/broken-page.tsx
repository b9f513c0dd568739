import { pagePaths } from "../paths.ts";
import { Button, buttonLook } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import { useTitle } from "../ui/use-title.ts";
import styles from "./broken-page.module.css";
import page from "./page.module.css";

/** What is shown where the page itself has a bug, and what can be done about it. It stands alone: whatever else there is may be what broke. */
export function BrokenPage({ error }: { readonly error: unknown }) {
  useTitle("Stopped · Wattboard");
  return (
    <main id="content" className={page.page}>
      <h1 className="sr-only">This page has stopped</h1>
      <Notice tone="error" title="This page has stopped: something on it is broken.">
        <p>
          The server and the devices go on. Loading the page again often helps; where it does not, an address without
          what stands behind its question mark may.
        </p>
        <p className="buttons">
          <Button tone="strong" onClick={() => location.reload()}>
            Load it again
          </Button>
          {/* Not a link of the router, which may be what broke. */}
          <a {...buttonLook} href={pagePaths.fleet}>
            Back to the fleet
          </a>
        </p>
      </Notice>
      <p>If it happens again, please report what you did, and this:</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable for those without a mouse. */}
      <pre className={styles.report} tabIndex={0}>
        {[`${location.pathname}${location.search}`, navigator.userAgent, describeError(error)].join("\n")}
      </pre>
    </main>
  );
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.stack ?? error}`.slice(0, 2_000) : String(error);
}
