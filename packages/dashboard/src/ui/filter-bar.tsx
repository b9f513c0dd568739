import type { FormEvent, ReactNode } from "react";
import { Button } from "./button.tsx";
import styles from "./filter-bar.module.css";

interface FilterBarProps {
  /** Names of the fields in it, in the order of the address. */
  readonly names: readonly string[];
  readonly onFilter: (filter: Record<string, string>) => void;
  readonly children: ReactNode;
}

/** A line of fields that narrow a list. What they say is handed on as it was written, without what is empty. */
export function FilterBar({ names, onFilter, children }: FilterBarProps) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const given = names.map((name) => [name, String(form.get(name) ?? "").trim()] as const);
    onFilter(Object.fromEntries(given.filter(([, value]) => value !== "")));
  };
  return (
    <search>
      {/* A choice acts at once; what is typed, with Enter or the button. */}
      <form
        className={styles.bar}
        onSubmit={submit}
        onChange={({ currentTarget, target }) => {
          if (target instanceof HTMLSelectElement) currentTarget.requestSubmit();
        }}
      >
        {children}
        <Button type="submit">Filter</Button>
      </form>
    </search>
  );
}
