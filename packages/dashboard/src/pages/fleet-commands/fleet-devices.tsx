import type { FleetDeviceBody } from "@wattboard/protocol";
import { useState } from "react";
import { Link } from "wouter";
import { statusTone } from "../../domain/command-words.ts";
import { StatusChip } from "../../domain/status-chip.tsx";
import { pagePaths } from "../../paths.ts";
import { formatNumber } from "../../ui/format-number.ts";
import list from "../../ui/list.module.css";
import { Pager } from "../../ui/pager.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Segments } from "../../ui/segments.tsx";
import { Tag } from "../../ui/tag.tsx";
import styles from "./fleet-devices.module.css";
import { waveShareOf } from "./wave-picture.tsx";

const parts = [
  ["all", "All"],
  ["errors", "New errors"],
  ["bad", "Not applied"],
  ["open", "Under way"],
  ["applied", "Applied"],
  ["rest", "Waiting or passed over"],
] as const;
type Shown = (typeof parts)[number][0];

const pageSizes = [20, 50, 100] as const;

/** Each device of a fleet command: how it stands there, why, and what error it has raised since. */
export function FleetDevices({ devices }: { readonly devices: readonly FleetDeviceBody[] }) {
  const [part, setPart] = useState<Shown>("all");
  const [page, setPage] = useState(0);
  const [pageSize, setPageSize] = useState<(typeof pageSizes)[number]>(20);
  const fitting = devices.filter((device) => isOf(part, device));
  const from = Math.min(page, Math.max(0, Math.ceil(fitting.length / pageSize) - 1)) * pageSize;
  const shown = fitting.slice(from, from + pageSize);
  const options = parts.flatMap(([each, label]) => {
    const count = devices.filter((device) => isOf(each, device)).length;
    // Nobody is offered an empty list, but for the one they are in.
    return count === 0 && each !== "all" && each !== part
      ? []
      : [[each, `${label} ${formatNumber(count, 0)}`] as const];
  });
  return (
    <Panel title="Devices">
      <div className={styles.parts}>
        <Segments
          label="Which devices"
          isWide
          value={part}
          options={options}
          onChange={(each) => {
            setPart(each);
            setPage(0);
          }}
        />
      </div>
      <table className={list.list}>
        <thead>
          <tr>
            <th>Device</th>
            <th>Wave</th>
            <th>Status</th>
            <th>Cause</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ device_id, wave, status, cause, new_flags }) => (
            <tr key={device_id}>
              <td>
                <Link href={pagePaths.device(device_id)}>{device_id}</Link>
              </td>
              <td data-label="Wave">{wave === 0 ? "canary" : formatNumber(wave, 0)}</td>
              <td>
                <StatusChip tone={statusTone(status)}>{status}</StatusChip>
              </td>
              <td>
                {new_flags.map((flag) => (
                  <Tag key={flag} tone="warn">
                    new: {flag}
                  </Tag>
                ))}{" "}
                {cause}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {fitting.length > pageSizes[0] && (
        <Pager
          from={from + 1}
          to={from + shown.length}
          total={fitting.length}
          pageSize={pageSize}
          pageSizes={pageSizes}
          onPageSize={setPageSize}
          note=""
          onBack={from === 0 ? null : () => setPage(from / pageSize - 1)}
          onNext={from + pageSize >= fitting.length ? null : () => setPage(from / pageSize + 1)}
        />
      )}
    </Panel>
  );
}

function isOf(part: Shown, { status, new_flags }: FleetDeviceBody): boolean {
  const stands = waveShareOf(status);
  switch (part) {
    case "all":
      return true;
    case "errors":
      return new_flags.length > 0;
    case "rest":
      return stands === "waiting" || stands === "skipped";
    default:
      return stands === part;
  }
}
