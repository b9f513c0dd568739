/** What stands on a label: which device, and the code with which it is claimed. */
export interface LabelCode {
  readonly device_id: string;
  readonly code: string;
}

const stateKey = "wattboard.claim";

/** `#ID.CODE` of the address, or what this entry of the history has kept of it; null where there is none. An id may have points of its own. */
export function readLabelCode(hash: string, state: unknown): LabelCode | null {
  const kept = (state as Record<string, unknown> | null)?.[stateKey];
  const text = decoded(hash.slice(1)) || (typeof kept === "string" ? kept : "");
  const at = text.lastIndexOf(".");
  return at < 1 || at === text.length - 1 ? null : { device_id: text.slice(0, at), code: text.slice(at + 1) };
}

/** Takes the code out of the address bar, before anybody looks over a shoulder; this entry of the history keeps it for when the page is loaded again. */
export function hideLabelCode({ device_id, code }: LabelCode): void {
  history.replaceState({ ...history.state, [stateKey]: `${device_id}.${code}` }, "", location.pathname);
}

/** It is used up. */
export function forgetLabelCode(): void {
  history.replaceState({ ...history.state, [stateKey]: undefined }, "", location.pathname);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
