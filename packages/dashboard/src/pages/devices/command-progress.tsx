import { type CommandBody, hasEnded } from "@wattboard/protocol";
import { ageOf, formatAge } from "../../parts/age.ts";
import { commandWords, statusTone } from "./command-words.ts";

interface CommandProgressProps {
  /** The newest first; null before they are known. */
  readonly commands: readonly CommandBody[] | null;
  readonly nowMs: number;
}

/** What became of the device's newest commands, each with its steps behind a click. */
export function CommandProgress({ commands, nowMs }: CommandProgressProps) {
  if (commands === null) return null;
  if (commands.length === 0) return <p className="muted">No commands yet.</p>;
  return (
    <ol className="command-list" aria-live="polite">
      {commands.map((command) => {
        const last = command.history.at(-1);
        const ageMs = ageOf(Date.parse(last?.at ?? command.created_at), nowMs) ?? 0;
        return (
          <li key={command.command_id}>
            <details>
              <summary>
                <span className="command-words">{commandWords(command)}</span>
                <span className={`command-status is-${statusTone(command.status)}`}>{command.status}</span>
                <span className="command-age">{formatAge(ageMs)}</span>
                {hasEnded(command.status) && command.status !== "applied" && (
                  <span className="command-cause">{last?.cause}</span>
                )}
              </summary>
              <ul className="command-steps">
                {command.history.map((step) => (
                  <li key={`${step.status} ${step.at}`}>
                    <time dateTime={step.at}>{new Date(step.at).toLocaleTimeString()}</time> <b>{step.status}</b>{" "}
                    {step.cause}
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
