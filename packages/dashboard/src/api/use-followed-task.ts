import { useEffect, useRef, useState } from "react";
import { followTask } from "./follow-task.ts";

interface FollowedTask {
  /** How far it is; null where none is under way. */
  readonly share: number | null;
  readonly follow: <Result extends object>(method: "GET" | "POST", path: string) => Promise<Result>;
}

/** Follows a long task of the server for as long as the part of the page is there that shows it: who goes away needs no result. */
export function useFollowedTask(): FollowedTask {
  const [share, setShare] = useState<number | null>(null);
  const stopper = useRef<AbortController>(null);
  useEffect(() => () => stopper.current?.abort(), []);
  const follow = <Result extends object>(method: "GET" | "POST", path: string): Promise<Result> => {
    stopper.current = new AbortController();
    setShare(0);
    return followTask<Result>(method, path, setShare, { signal: stopper.current.signal }).finally(() => setShare(null));
  };
  return { share, follow };
}
