import { type FormEvent, useState } from "react";

export interface Submit {
  readonly busy: boolean;
  /** What went wrong the last time, for people; null when nothing did. */
  readonly fault: string | null;
  readonly onSubmit: (event: FormEvent<HTMLFormElement>) => void;
  readonly run: (task: () => Promise<void>) => Promise<void>;
}

/** Runs what a form or a button does, once at a time, and keeps what went wrong. */
export function useSubmit(task?: (form: FormData) => Promise<void>): Submit {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const run = async (work: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setFault(null);
    try {
      await work();
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    if (task !== undefined) void run(() => task(form));
  };
  return { busy, fault, onSubmit, run };
}
