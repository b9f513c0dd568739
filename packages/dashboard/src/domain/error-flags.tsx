import { describeErrorFlag } from "@wattboard/protocol";
import styles from "./error-flags.module.css";

/** Error flags below each other, and what they mean where that is known. */
export function ErrorFlags({ flags }: { readonly flags: readonly string[] }) {
  return (
    <ul>
      {flags.map((flag) => {
        const words = describeErrorFlag(flag);
        return (
          <li key={flag}>
            <b className={styles.flag}>{flag}</b> {words !== flag && <span className={styles.words}>{words}</span>}
          </li>
        );
      })}
    </ul>
  );
}
