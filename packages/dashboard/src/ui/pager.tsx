import { Icon } from "./icon.tsx";

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
    <nav className="pager" aria-label="Pages">
      <label className="pager-size">
        <span>Rows a page</span>
        <select
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
      <span className="pager-note">{note}</span>
      <span className="pager-place">
        {from}–{to} of {total}
      </span>
      <button
        type="button"
        className="button"
        disabled={onBack === null}
        onClick={onBack ?? undefined}
        aria-label="Previous page"
      >
        <Icon name="left" />
      </button>
      <button
        type="button"
        className="button"
        disabled={onNext === null}
        onClick={onNext ?? undefined}
        aria-label="Next page"
      >
        <Icon name="right" />
      </button>
    </nav>
  );
}
