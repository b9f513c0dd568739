import { type AlarmDeviceBody, pointSpec } from "@wattboard/protocol";
import { ErrorFlags } from "../../domain/error-flags.tsx";
import { stateWord } from "../../domain/state-words.ts";
import { formatNumber } from "../../ui/format-number.ts";
import { spelled } from "../../ui/spelled.ts";
import styles from "./evidence-list.module.css";

type AlarmEvidence = AlarmDeviceBody["evidence"];

/** The values that rang, and what they mean. */
export function EvidenceList({ evidence }: { readonly evidence: AlarmEvidence }) {
  const entries = Object.entries(evidence);
  if (entries.length === 0) return <span className="muted">—</span>;
  return (
    <ul className={styles.list}>
      {entries.map(([point, value]) => (
        <li key={point}>
          <span className={styles.name} title={point}>
            {pointSpec(point)?.label ?? spelled(point)}
          </span>{" "}
          <EvidenceValue point={point} value={value} />
        </li>
      ))}
    </ul>
  );
}

function EvidenceValue({ point, value }: { readonly point: string; readonly value: AlarmEvidence[string] }) {
  if (typeof value === "number") {
    const { digits = Number.isInteger(value) ? 0 : 2, unit = "" } = pointSpec(point) ?? {};
    return (
      <b>
        {formatNumber(value, digits)} {unit}
      </b>
    );
  }
  if (typeof value === "boolean") return <b>{value ? "yes" : "no"}</b>;
  if (typeof value === "string") return <b>{stateWord(value)}</b>;
  return <ErrorFlags flags={value} />;
}
