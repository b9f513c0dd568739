import type { ServerBody } from "@wattboard/protocol";
import { useState } from "react";
import { serverClock } from "../../api/server-clock.ts";
import { useFollowedTask } from "../../api/use-followed-task.ts";
import { usePolled } from "../../api/use-polled.ts";
import { apiPaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { Facts } from "../../ui/facts.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { formatSize } from "../../ui/format-size.ts";
import { formatInstant } from "../../ui/format-time.ts";
import { Panel } from "../../ui/panel.tsx";
import { ProgressBar } from "../../ui/progress-bar.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./server-page.module.css";

/** `GET /store`, as far as it is shown. */
interface KeptInfo {
  readonly samples: number;
  readonly bytes: number;
  readonly bytes_per_sample: number | null;
  readonly from: string | null;
  readonly to: string | null;
}

/** The lane to the store, what is kept, and whether all of it can be read. */
export function StorePanel({ store }: { readonly store: ServerBody["store"] }) {
  // To ask the store costs it something, and what it keeps changes slowly.
  const { body } = usePolled<KeptInfo>(apiPaths.store, { everyMs: 120_000 });
  return (
    <Panel title="Store">
      <Facts facts={[...aboutLane(store), ...(body === null ? [] : aboutKept(body))]} />
      <StoreCare />
    </Panel>
  );
}

function aboutLane(store: ServerBody["store"]) {
  const { stored_at: storedAt, renewed_share: renewedShare, retention_days: days } = store;
  return [
    ["Store", store.description] as const,
    [
      "Stored last",
      storedAt === null ? "nothing since the start" : formatInstant(Date.parse(storedAt), serverClock.now()),
    ] as const,
    ["Waits for it", `${formatSize(store.queued_bytes)} of ${formatSize(store.queued_bytes_max)}`] as const,
    ["Not stored", `${formatNumber(store.unstored, 0)} samples since the start`] as const,
    ...(renewedShare < 1 ? [["Summaries", `${Math.floor(100 * renewedShare)} % made anew`] as const] : []),
    ["Kept", days === 0 ? "for ever" : `for ${formatNumber(days, 0)} days`] as const,
  ];
}

function aboutKept({ samples, bytes, bytes_per_sample: each, from, to }: KeptInfo) {
  const nowMs = serverClock.now();
  return [
    ["Samples", formatNumber(samples, 0)] as const,
    ["Size", `${formatSize(bytes)}${each === null ? "" : `, ${each} B a sample`}`] as const,
    ...(from === null || to === null
      ? []
      : [
          ["From", formatInstant(Date.parse(from), nowMs)] as const,
          ["To", formatInstant(Date.parse(to), nowMs)] as const,
        ]),
  ];
}

/** Reads everything that is kept, and mends what cannot be read. */
function StoreCare() {
  const { share, follow } = useFollowedTask();
  const [told, setTold] = useState<readonly string[] | null>(null);
  const [isDamaged, setDamaged] = useState(false);
  const task = useSubmit();
  const run = (work: () => Promise<void>) =>
    task.run(async () => {
      setTold(null);
      await work();
    });
  const verify = () =>
    run(async () => {
      const { faults } = await follow<{ faults: string[] }>("GET", apiPaths.verifyStore);
      setDamaged(faults.length > 0);
      setTold(faults.length === 0 ? ["Everything that is kept can be read."] : faults);
    });
  const repair = () =>
    run(async () => {
      const { repaired } = await follow<{ repaired: string[] }>("POST", apiPaths.repairStore);
      setDamaged(false);
      setTold(repaired.length === 0 ? ["Nothing was damaged."] : repaired);
    });
  return (
    <div className={styles.buttons}>
      <div className="buttons">
        <Button disabled={task.busy} onClick={verify}>
          Verify
        </Button>
        {isDamaged && (
          <ConfirmButton tone="bad" sure="Drop what cannot be read, for ever" disabled={task.busy} onConfirm={repair}>
            Repair
          </ConfirmButton>
        )}
      </div>
      {share !== null && <ProgressBar label="Reading" share={share} />}
      <FaultLine fault={task.fault} />
      {told !== null && (
        <div role="status">
          <ul className={styles.faults}>
            {told.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
