import styles from "./icon.module.css";

/** Line icons on a 16 × 16 grid, drawn in the text's colour. They repeat what a word beside them says, so they are hidden from readers. */
const shapes = {
  sun: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3.05 3.05l1.1 1.1M11.85 11.85l1.1 1.1M3.05 12.95l1.1-1.1M11.85 4.15l1.1-1.1",
  house: "M2 7.6 8 2.4l6 5.2M3.6 6.6v7h8.8v-7M6.6 13.6V9.8h2.8v3.8",
  battery: "M2 5h10.4v6.6H2ZM12.4 7.2h1.8v2.2h-1.8M4.4 7v2.6M6.8 7v2.6",
  pylon:
    "M8 1.6 4.6 14.4M8 1.6l3.4 12.8M2.6 5.4h10.8M3.6 8.6h8.8M6.6 6.9l3.6 3.9M9.4 6.9l-3.6 3.9M2.6 5.4v1.4M13.4 5.4v1.4",
  up: "M8 13V3M3.8 7.2 8 3l4.2 4.2",
  down: "M8 3v10M3.8 8.8 8 13l4.2-4.2",
  left: "M13 8H3M7.2 3.8 3 8l4.2 4.2",
  right: "M3 8h10M8.8 3.8 13 8l-4.2 4.2",
  search: "M7 2.6a4.4 4.4 0 1 1 0 8.8 4.4 4.4 0 0 1 0-8.8ZM10.2 10.2l3.6 3.6",
  moon: "M13.4 9.6A5.8 5.8 0 0 1 6.4 2.6a5.8 5.8 0 1 0 7 7Z",
  warning: "M8 2.2 14.6 13.6H1.4ZM8 6.4v3.4M8 11.6v.2",
  bell: "M8 2.2a4.2 4.2 0 0 0-4.2 4.2v3L2.4 11.6h11.2L12.2 9.4v-3A4.2 4.2 0 0 0 8 2.2ZM6.4 13.4a1.7 1.7 0 0 0 3.2 0",
  clock: "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8ZM8 4.6V8l2.4 1.6",
  check: "M3 8.6 6.4 12 13 4.6",
  close: "M4 4l8 8M12 4l-8 8",
  trend: "M1.6 11.4 5.4 6.8l3 3.2 6-7M10.6 3h3.8v3.8",
  columns: "M2 3h12v10H2ZM6 3v10M10 3v10",
  filter: "M2 3.4h12L9.4 8.8v4.4l-2.8-1.6V8.8Z",
  unlinked: "M2 2l12 12M5.2 8.2 3.4 10a2.5 2.5 0 0 0 3.5 3.5l1.8-1.8M10.8 7.8 12.6 6A2.5 2.5 0 0 0 9.1 2.5L7.3 4.3",
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg className={styles.icon} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  );
}
