import type { RotationsBody } from "@wattboard/protocol";
import { Link } from "wouter";
import { usePolled } from "../../api/use-polled.ts";
import { RotationWords } from "../../domain/rotation-words.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Panel } from "../../ui/panel.tsx";
import styles from "./devices-page.module.css";

/** More would push the devices out of sight. */
const shownMax = 8;

/** Devices that have not come with their new tokens yet. Nothing where there are none. */
export function RotationsPanel() {
  const { body } = usePolled<RotationsBody>(apiPaths.rotations, { everyMs: 10_000 });
  const rotations = body?.rotations ?? [];
  if (rotations.length === 0) return null;
  // Where a person is needed comes first.
  const sorted = rotations.toSorted((one, other) => Number(other.by_hand) - Number(one.by_hand));
  const left = rotations.length - shownMax;
  return (
    <div className={styles.rotations}>
      <Panel title={`New tokens under way (${rotations.length}${body?.next_cursor === null ? "" : " and more"})`}>
        <ul className={styles.list}>
          {sorted.slice(0, shownMax).map((rotation) => (
            <li key={rotation.device_id}>
              <Link href={pagePaths.deviceSettings(rotation.device_id)}>{rotation.device_id}</Link>
              <RotationWords rotation={rotation} />
            </li>
          ))}
        </ul>
        {left > 0 && <p className="fine">and {left} more</p>}
      </Panel>
    </div>
  );
}
