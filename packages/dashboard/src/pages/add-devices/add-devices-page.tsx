import { type ChangeEvent, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { AdministrationPage } from "../../frame/administration-page.tsx";
import { pagePaths } from "../../paths.ts";
import { Button, buttonLook } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { ProgressBar } from "../../ui/progress-bar.tsx";
import { saveText } from "../../ui/save-text.ts";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./add-devices-page.module.css";
import {
  type DeviceListFile,
  decodeFile,
  fileLimits,
  formatResults,
  type ListedDevice,
  type RowResult,
  readDeviceList,
} from "./device-list-file.ts";
import { registerDevices } from "./register-devices.ts";
import { RowTable } from "./row-table.tsx";

const example = `device_id,name,country,place,time_zone,site,tags
ems_001,Cellar,AT,Wien,Europe/Vienna,old mill,"roof, pilot"
ems_002,Garage,SE,Stockholm,Europe/Stockholm,harbour,`;

/** `/add-devices`: registers what a CSV file lists; its tokens come back as a file. */
export function AddDevicesPage() {
  const [file, setFile] = useState<DeviceListFile | null>(null);
  const [round, setRound] = useState(0);
  const again = () => {
    setFile(null);
    setRound(round + 1);
  };
  return (
    <AdministrationPage title="Add devices from a CSV file">
      {() => (
        <div className="stack">
          <ChooseFile key={round} onRead={setFile} />
          {file !== null && <Listed key={round} file={file} onAgain={again} />}
        </div>
      )}
    </AdministrationPage>
  );
}

function ChooseFile({ onRead }: { readonly onRead: (file: DeviceListFile) => void }) {
  const reading = useSubmit();
  const choose = ({ target }: ChangeEvent<HTMLInputElement>) => {
    const [file] = target.files ?? [];
    if (file === undefined) return;
    reading.run(async () => {
      if (file.size > fileLimits.bytes) throw new Error("The file has more than 8 MB. Split it.");
      onRead(readDeviceList(decodeFile(new Uint8Array(await file.arrayBuffer()))));
    });
  };
  return (
    <Panel
      title="The file"
      aside={
        <a href={`data:text/csv;charset=utf-8,${encodeURIComponent(`${example}\n`)}`} download="devices-example.csv">
          An example
        </a>
      }
    >
      <div className={styles.choose}>
        <p>
          Its first line names the columns. One is <code>device_id</code>; <code>name</code> is what people call the
          device, <code>token</code> one of your own. Each other column is a property, such as <code>country</code>,{" "}
          <code>place</code>, <code>time_zone</code>, <code>site</code>, <code>tags</code> or <code>rated_power</code>.
        </p>
        <input
          className={styles.file}
          type="file"
          accept=".csv,.txt,text/csv,text/plain"
          aria-label="CSV file"
          onChange={choose}
        />
        <FaultLine fault={reading.fault} />
      </div>
    </Panel>
  );
}

interface ListedProps {
  readonly file: DeviceListFile;
  readonly onAgain: () => void;
}

/** What the file lists: looked at first, then registered. */
function Listed({ file: { fault, rows }, onAgain }: ListedProps) {
  const good = rows.filter((row) => row.fault === null);
  const { results, isBusy, failure, start, stop } = useRegistering(good);
  const isDone = !isBusy && results.size > 0;
  /** How many of the results somebody has a file of. */
  const [savedCount, setSavedCount] = useState(0);
  const isSaved = savedCount === results.size;
  useWarning(isBusy || !isSaved);
  if (fault !== null) return <Notice tone="warn" title={fault} />;
  const faulty = rows.length - good.length;
  const added = [...results.values()].filter(({ outcome }) => outcome === "added").length;
  const refused = results.size - added;
  return (
    <>
      {failure !== null && (
        <Notice tone="warn" title={failure}>
          <p>Those that are not done can be tried again; of the others nothing is lost.</p>
        </Notice>
      )}
      <Panel title={isDone || isBusy ? "Registering" : `${formatNumber(rows.length, 0)} rows`}>
        <div className={styles.choose}>
          {isBusy && <ProgressBar label="Registering" share={results.size / good.length} />}
          <p role="status">
            {results.size === 0 && !isBusy
              ? `${formatNumber(good.length, 0)} can be registered${faulty > 0 ? `; ${formatNumber(faulty, 0)} with faults are left out` : ""}.`
              : `${formatNumber(added, 0)} registered${refused > 0 ? `, ${formatNumber(refused, 0)} refused` : ""} of ${formatNumber(good.length, 0)}.`}
          </p>
          <div className="buttons">
            {isBusy && <Button onClick={stop}>Stop</Button>}
            {!isBusy && results.size < good.length && (
              <Button tone="strong" disabled={good.length === 0} onClick={start}>
                {results.size === 0 ? `Register ${formatNumber(good.length, 0)} devices` : "Go on"}
              </Button>
            )}
            {isDone && <SaveResults rows={rows} results={results} onSaved={() => setSavedCount(results.size)} />}
            {isDone && isSaved && <Button onClick={onAgain}>Another file</Button>}
            {isDone && isSaved && (
              <Link {...buttonLook} href={pagePaths.devices}>
                All devices
              </Link>
            )}
          </div>
          {isDone && (
            <p className="fine">
              The result holds the tokens, which are shown nowhere else: save it before you leave, and keep it safe.
            </p>
          )}
        </div>
      </Panel>
      <RowTable rows={rows} results={results} />
    </>
  );
}

/** Registers the devices, and keeps what became of each. */
function useRegistering(devices: readonly ListedDevice[]) {
  const [results, setResults] = useState<ReadonlyMap<number, RowResult>>(new Map());
  const task = useSubmit();
  const stopper = useRef<AbortController>(null);
  const tokens = useRef(new Map<number, string>());
  useEffect(() => () => stopper.current?.abort(), []);
  const start = () =>
    task.run(async () => {
      stopper.current = new AbortController();
      const left = devices.filter(({ line }) => !results.has(line));
      const note = (done: readonly RowResult[]) =>
        setResults((before) => new Map([...before, ...done.map((each) => [each.line, each] as const)]));
      await registerDevices(left, tokens.current, note, stopper.current.signal);
    });
  return { results, isBusy: task.busy, failure: task.fault, start, stop: () => stopper.current?.abort() };
}

/** Asks before the page is left, whose tokens nobody else has. */
function useWarning(isOn: boolean): void {
  useEffect(() => {
    if (!isOn) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isOn]);
}

interface SaveResultsProps {
  readonly rows: readonly ListedDevice[];
  readonly results: ReadonlyMap<number, RowResult>;
  readonly onSaved: () => void;
}

function SaveResults({ rows, results, onSaved }: SaveResultsProps) {
  const save = () => {
    const all = rows.map(
      ({ line, deviceId, fault }): RowResult =>
        results.get(line) ?? {
          line,
          deviceId,
          outcome: fault === null ? "not tried" : "left out",
          token: "",
          message: fault ?? "",
        },
    );
    saveText("devices-result.csv", formatResults(all), "text/csv");
    onSaved();
  };
  return (
    <Button tone="strong" onClick={save}>
      Save the result
    </Button>
  );
}
