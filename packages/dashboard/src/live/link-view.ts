/** How the page itself stands with the server. */
export interface LinkView {
  readonly phase: "connecting" | "live" | "lost";
  /** When anything was last heard on the stream, by the server's clock; null before the first word. */
  readonly lastHeardAtMs: number | null;
}
