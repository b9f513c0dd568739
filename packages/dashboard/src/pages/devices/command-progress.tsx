import { type CommandBody, hasEnded } from "@wattboard/protocol";
import { ageOf, formatAge } from "../../domain/age.ts";
import { commandWords, statusTone } from "../../domain/command-words.ts";
import { StatusChip } from "../../domain/status-chip.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import styles from "./command-progress.module.css";

interface CommandProgressProps {
  /** The newest first; null before they are known. */
  readonly commands: readonly CommandBody[] | null;
  readonly nowMs: number;
  readonly timeZone: string;
}

/** What became of the device's newest commands, each with its steps behind a click. */
export function CommandProgress({ commands, nowMs, timeZone }: CommandProgressProps) {
  if (commands === null) return null;
  if (commands.length === 0) return <p className="muted">No commands yet.</p>;
  return (
    <ol className={styles.list} aria-live="polite">
      {commands.map((command) => {
        const last = command.history.at(-1);
        const ageMs = ageOf(Date.parse(last?.at ?? command.created_at), nowMs) ?? 0;
        return (
          <li key={command.command_id}>
            <details>
              <summary>
                <span>{commandWords(command)}</span>
                <StatusChip tone={statusTone(command.status)}>{command.status}</StatusChip>
                <span className={styles.age}>{formatAge(ageMs)}</span>
                {hasEnded(command.status) && command.status !== "applied" && (
                  <span className={styles.cause}>{last?.cause}</span>
                )}
              </summary>
              <ul className={styles.steps}>
                {command.history.map((step) => (
                  <li key={`${step.status} ${step.at}`}>
                    <time dateTime={step.at}>{formatInstant(Date.parse(step.at), nowMs, timeZone)}</time>{" "}
                    <b>{step.status}</b> {step.cause}
                  </li>
                ))}
                <li className="muted">
                  <code>{command.command_id}</code>
                </li>
              </ul>
            </details>
          </li>
        );
      })}
    </ol>
  );
}
