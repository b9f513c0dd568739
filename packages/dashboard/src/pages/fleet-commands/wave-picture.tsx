import { type FleetDeviceBody, type FleetDeviceStatus, hasEnded } from "@wattboard/protocol";
import { formatNumber } from "../../ui/format-number.ts";
import styles from "./wave-picture.module.css";

/** How the devices of a wave stand, as far as a picture tells it apart. */
export interface Wave {
  readonly size: number;
  readonly applied: number;
  readonly open: number;
  readonly bad: number;
  readonly skipped: number;
}

interface WavePictureProps {
  readonly waves: readonly Wave[];
  /** The wave that is under way; null where none is. */
  readonly present: number | null;
}

/** More waves are told as one line before, and one after. */
const shownMax = 12;
const parts = ["applied", "open", "bad", "skipped"] as const;

/** The waves below each other, each as long as it has devices, filled as they stand. */
export function WavePicture({ waves, present }: WavePictureProps) {
  const largest = Math.max(1, ...waves.map(({ size }) => size));
  const from = Math.max(0, Math.min((present ?? 0) - shownMax / 2, waves.length - shownMax));
  const shown = waves.slice(from, from + shownMax);
  const after = waves.length - from - shown.length;
  return (
    <>
      {from > 0 && <p className="fine">{formatNumber(from, 0)} waves before these.</p>}
      <ol className={styles.waves}>
        {shown.map((wave, at) => {
          const number = from + at;
          return (
            <li key={number} aria-current={number === present ? "step" : undefined}>
              <span className={styles.name}>{number === 0 ? "Canary" : `Wave ${number}`}</span>
              <span className={styles.track} aria-hidden="true">
                <span className={styles.bar} style={{ width: `${Math.max(2, (100 * wave.size) / largest)}%` }}>
                  {parts.map((part) => (
                    <i key={part} data-part={part} style={{ flexBasis: `${(100 * wave[part]) / wave.size}%` }} />
                  ))}
                </span>
              </span>
              <span className={styles.words}>{waveWords(wave)}</span>
            </li>
          );
        })}
      </ol>
      {after > 0 && <p className="fine">{formatNumber(after, 0)} waves after these.</p>}
    </>
  );
}

function waveWords({ size, applied, open, bad, skipped }: Wave): string {
  const devices = `${formatNumber(size, 0)} ${size === 1 ? "device" : "devices"}`;
  const told = [
    applied > 0 && `${formatNumber(applied, 0)} applied`,
    open > 0 && `${formatNumber(open, 0)} under way`,
    bad > 0 && `${formatNumber(bad, 0)} not applied`,
    skipped > 0 && `${formatNumber(skipped, 0)} passed over`,
  ].filter((each) => each !== false);
  return told.length === 0 ? devices : `${devices}: ${told.join(", ")}`;
}

/** Waves of which nothing has begun. */
export function wavesToCome(sizes: readonly number[]): readonly Wave[] {
  return sizes.map((size) => ({ size, applied: 0, open: 0, bad: 0, skipped: 0 }));
}

/** The waves as their devices stand now. */
export function wavesOf(devices: readonly FleetDeviceBody[]): readonly Wave[] {
  const waves: Record<keyof Wave, number>[] = [];
  for (const { wave, status } of devices) {
    waves[wave] ??= { size: 0, applied: 0, open: 0, bad: 0, skipped: 0 };
    waves[wave].size++;
    const part = waveShareOf(status);
    if (part !== "waiting") waves[wave][part]++;
  }
  // Who sees only some of the devices may see none of a wave.
  return Array.from(waves, (wave) => wave ?? { size: 0, applied: 0, open: 0, bad: 0, skipped: 0 });
}

/** What a status comes to, for a picture and for a filter. */
export function waveShareOf(status: FleetDeviceStatus): (typeof parts)[number] | "waiting" {
  if (status === "waiting" || status === "skipped" || status === "applied") return status;
  if (!hasEnded(status)) return "open";
  // A later order took its place: nothing failed, and it is not counted as such by the server either.
  return status === "superseded" ? "skipped" : "bad";
}
