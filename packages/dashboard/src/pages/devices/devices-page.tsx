import { useInfiniteQuery } from "@tanstack/react-query";
import type { DeviceBody, DevicesBody } from "@wattboard/protocol";
import { useDeferredValue, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { getJson, type RequestFailed } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { DevicePicker } from "../../domain/device-picker.tsx";
import { Labels } from "../../domain/labels.tsx";
import { placeOf } from "../../domain/place.ts";
import { WaitingDevices } from "../../domain/waiting-devices.tsx";
import { AdministrationPage } from "../../frame/administration-page.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button, buttonLook } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { inputLook } from "../../ui/field.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import list from "../../ui/list.module.css";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Tag } from "../../ui/tag.tsx";
import { useTick } from "../../ui/use-tick.ts";
import styles from "./devices-page.module.css";
import { RotationsPanel } from "./rotations-panel.tsx";

/** `/devices`: the registrations, and the ways to more of them. */
export function DevicesPage() {
  const [isLabelling, setLabelling] = useState(false);
  return (
    <AdministrationPage
      title="Devices"
      aside={
        <div className="buttons">
          <Button aria-haspopup="dialog" onClick={() => setLabelling(true)}>
            Labels
          </Button>
          <Link {...buttonLook} href={pagePaths.addDevices}>
            Add from a CSV
          </Link>
          <Link {...buttonLook} data-tone="strong" href={pagePaths.addDevice}>
            Add a device
          </Link>
        </div>
      }
    >
      {() => (
        <>
          <Devices />
          {isLabelling && <LabelsDialog onClose={() => setLabelling(false)} />}
        </>
      )}
    </AdministrationPage>
  );
}

function LabelsDialog({ onClose }: { readonly onClose: () => void }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  return (
    <Dialog title="Labels" onClose={onClose}>
      <div className="stack">
        <DevicePicker chosen={chosen} onChange={setChosen} />
        <Labels deviceIds={[...chosen]} />
      </div>
    </Dialog>
  );
}

const rowsAPage = 50;
/** Of what is registered elsewhere. */
const everyMs = 10_000;

function Devices() {
  useTick(10_000);
  const [params, setParams] = useSearchParams();
  const text = params.get("q") ?? "";
  const { devices, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useDevices(useDeferredValue(text.trim()));
  const search = (q: string) => setParams(q === "" ? {} : { q }, { replace: true });
  return (
    <>
      <WaitingDevices nowMs={serverClock.now()} />
      <RotationsPanel />
      {error !== null && <Notice tone="warn" title={error.message} />}
      <Panel
        title="By id"
        aside={
          <input
            className={inputLook}
            type="search"
            placeholder="Find by id or name"
            aria-label="Find by id or name"
            maxLength={120}
            value={text}
            onChange={({ target }) => search(target.value)}
          />
        }
      >
        {devices?.length === 0 && <p className="muted">{text === "" ? "No devices yet." : "No device fits."}</p>}
        {devices !== undefined && devices.length > 0 && (
          <table className={list.list}>
            <thead>
              <tr>
                <th>Device</th>
                <th>Place</th>
                <th>Site and tags</th>
                <th>Token</th>
                <th>Registered</th>
                <th>
                  <span className="sr-only">Settings</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {devices.map((device) => (
                <DeviceRow key={device.device_id} device={device} />
              ))}
            </tbody>
          </table>
        )}
        {hasNextPage && (
          <div className={styles.more}>
            <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              More
            </Button>
          </div>
        )}
      </Panel>
    </>
  );
}

function useDevices(text: string) {
  const asked = { limit: rowsAPage, ...(text !== "" && { q: text }) };
  const { data, ...query } = useInfiniteQuery<DevicesBody, RequestFailed>({
    // Not that of the address alone: a choice of devices asks for its first page only.
    queryKey: [apiPaths.deviceList(asked), "pages"],
    queryFn: ({ pageParam, signal }) => {
      const cursor = pageParam === null ? {} : { cursor: String(pageParam) };
      return getJson<DevicesBody>(apiPaths.deviceList({ ...asked, ...cursor }), signal);
    },
    initialPageParam: null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    placeholderData: (before) => before,
    refetchInterval: everyMs,
  });
  return { ...query, devices: data?.pages.flatMap((page) => page.devices) };
}

function DeviceRow({ device }: { readonly device: DeviceBody }) {
  const { device_id: deviceId, name, properties, created_at, active, online } = device;
  const place = [properties.postcode, placeOf(properties)].filter(Boolean).join(" ");
  const tags = (properties.tags ?? "").split(",").map((tag) => tag.trim());
  const hasNeither = properties.site === undefined && properties.tags === undefined;
  return (
    <tr className={styles.row}>
      <td>
        <Link href={pagePaths.device(deviceId)} className={styles.name}>
          {name || deviceId}
        </Link>{" "}
        <span className={list.sub}>
          <code>{deviceId}</code> {online ? "online" : "offline"}
        </span>
      </td>
      <td data-label="Place" className={place === "" ? list.wide : undefined}>
        {place || <span className="muted">—</span>}
      </td>
      <td data-label="Site and tags" className={hasNeither ? list.wide : undefined}>
        <span className={styles.tags}>
          {properties.site}
          {tags.filter(Boolean).map((tag) => (
            <Tag key={tag}>{tag}</Tag>
          ))}
          {hasNeither && <span className="muted">—</span>}
        </span>
      </td>
      <td data-label="Token" className={active ? list.wide : undefined}>
        {active ? "valid" : <span className="warn">revoked</span>}
      </td>
      <td data-label="Registered" className={list.wide}>
        <time dateTime={created_at}>{formatInstant(Date.parse(created_at), serverClock.now())}</time>
      </td>
      <td className={`${list.end} ${styles.settings}`}>
        <Link {...buttonLook} href={pagePaths.deviceSettings(deviceId)} aria-label={`Settings of ${deviceId}`}>
          Settings
        </Link>
      </td>
    </tr>
  );
}
