import { Dialog } from "../../ui/dialog.tsx";
import styles from "./keys-dialog.module.css";

const keys = [
  ["j", "the next alarm"],
  ["k", "the alarm before"],
  ["Enter", "open it"],
  ["a", "acknowledge it"],
  ["s", "snooze it"],
  ["/", "search for a device"],
  ["?", "this list"],
] as const;

export function KeysDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className={styles.keys}>
        {keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
