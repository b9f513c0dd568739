import { type ReactNode, useId } from "react";
import styles from "./panel.module.css";

interface PanelProps {
  readonly title: ReactNode;
  /** Stands at the other end of the title's line. */
  readonly aside?: ReactNode;
  /** Whether what it shows is that of an earlier question, and the answer is on its way. */
  readonly isBusy?: boolean;
  /** Whether its content fills a height that is given by what stands beside it. */
  readonly fills?: boolean;
  readonly children: ReactNode;
}

/** A titled part of a page. */
export function Panel({ title, aside, isBusy = false, fills = false, children }: PanelProps) {
  const titleId = useId();
  return (
    <section className={styles.panel} data-fills={fills} aria-labelledby={titleId} aria-busy={isBusy}>
      <header className={styles.head}>
        <h2 id={titleId}>{title}</h2>
        {aside !== undefined && <div className={styles.aside}>{aside}</div>}
      </header>
      {children}
    </section>
  );
}
