import type { DeviceMode } from "@wattboard/protocol";

const words: Record<DeviceMode, string> = { AUTO: "Auto", MANUAL: "Manual" };

export function modeWord(mode: DeviceMode | null): string {
  return mode === null ? "—" : (words[mode] ?? mode);
}
