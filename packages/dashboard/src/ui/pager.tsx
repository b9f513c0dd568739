import { Button } from "./button.tsx";
import { inputLook } from "./field.tsx";
import { formatNumber } from "./format-number.ts";
import { Icon } from "./icon.tsx";
import styles from "./pager.module.css";

interface PagerProps<Size extends number> {
  /** The first and the last of those shown, from 1; 0 where there are none. */
  readonly from: number;
  readonly to: number;
  readonly total: number;
  readonly pageSize: Size;
  readonly pageSizes: readonly Size[];
  readonly onPageSize: (size: Size) => void;
  /** A word beside it, where there is room. */
  readonly note: string;
  /** Null on the first page. */
  readonly onBack: (() => void) | null;
  /** Null on the last page. */
  readonly onNext: (() => void) | null;
}

/** Walks through a list page by page. */
export function Pager<Size extends number>(props: PagerProps<Size>) {
  const { from, to, total, pageSize, pageSizes, onPageSize, note, onBack, onNext } = props;
  return (
    <nav className={styles.pager} aria-label="Pages">
      <label className={styles.size}>
        <span>Rows a page</span>
        <select
          className={inputLook}
          value={pageSize}
          onChange={({ target }) => {
            const size = pageSizes.find((known) => String(known) === target.value);
            if (size !== undefined) onPageSize(size);
          }}
        >
          {pageSizes.map((size) => (
            <option key={size} value={size}>
              {size}
            </option>
          ))}
        </select>
      </label>
      <span className={styles.note}>{note}</span>
      <span className={styles.place}>
        {formatNumber(from, 0)}–{formatNumber(to, 0)} of {formatNumber(total, 0)}
      </span>
      <Button disabled={onBack === null} onClick={onBack ?? undefined} aria-label="Previous page">
        <Icon name="left" />
      </Button>
      <Button disabled={onNext === null} onClick={onNext ?? undefined} aria-label="Next page">
        <Icon name="right" />
      </Button>
    </nav>
  );
}
