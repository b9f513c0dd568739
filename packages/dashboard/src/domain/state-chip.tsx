import styles from "./state-chip.module.css";
import { stateWord } from "./state-words.ts";

interface StateChipProps {
  readonly online: boolean;
  /** Null where the device does not tell one, as SolMates never do. */
  readonly state: string | null;
  /** Whether it has said anything at all. */
  readonly isHeard: boolean;
}

/** The state in a word and a colour; an offline device has no state of its own, however it was when last heard. */
export function StateChip({ online, state, isHeard }: StateChipProps) {
  const [look, word] = !online
    ? ["offline", "Offline"]
    : !isHeard
      ? ["silent", "No data yet"]
      : state === null
        ? ["online", "Online"]
        : [state, stateWord(state)];
  return (
    <span className={styles.chip} data-state={look}>
      {word}
    </span>
  );
}
