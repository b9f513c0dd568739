import { useEffect, useState } from "react";

/** Renders the component again every `intervalMs`, for what changes by time alone, such as an age. */
export function useTick(intervalMs: number): void {
  const [, setCount] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setCount((count) => count + 1), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs]);
}
