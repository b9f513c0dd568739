import type { DeviceMode } from "@wattboard/protocol";
import { own } from "../ui/own.ts";

const words: Record<DeviceMode, string> = { AUTO: "Auto", MANUAL: "Manual" };

export function modeWord(mode: DeviceMode | null): string {
  return mode === null ? "—" : (own(words, mode) ?? mode);
}
