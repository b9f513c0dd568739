import { useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";

export interface Submit {
  readonly busy: boolean;
  /** What went wrong the last time, for people; null when nothing did. */
  readonly fault: string | null;
  readonly onSubmit: (event: FormEvent<HTMLFormElement>) => void;
  readonly run: (task: () => Promise<void>) => void;
}

/** Runs what a form or a button does, once at a time, and keeps what went wrong. */
export function useSubmit(task?: (form: FormData) => Promise<void>): Submit {
  const { mutate, isPending, error } = useMutation({ mutationFn: (work: () => Promise<void>) => work() });
  const run = (work: () => Promise<void>): void => {
    if (!isPending) mutate(work);
  };
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    if (task !== undefined) run(() => task(form));
  };
  return { busy: isPending, fault: error?.message ?? null, onSubmit, run };
}
