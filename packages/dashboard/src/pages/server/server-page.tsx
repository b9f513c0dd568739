import type { CertificateBody, ServerBody } from "@wattboard/protocol";
import { usePolled } from "../../api/use-polled.ts";
import { AdministrationPage } from "../../frame/administration-page.tsx";
import { Waiting } from "../../frame/page.tsx";
import { apiPaths } from "../../paths.ts";
import { Facts } from "../../ui/facts.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { formatSize } from "../../ui/format-size.ts";
import { formatInstant, formatSpan } from "../../ui/format-time.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import styles from "./server-page.module.css";
import { StorePanel } from "./store-panel.tsx";

/** `/server`: how the server itself does, in plain facts. */
export function ServerPage() {
  return <AdministrationPage title="Server">{() => <ServerFacts />}</AdministrationPage>;
}

const whole = (value: number): string => formatNumber(value, 0);
/** Less room than this is pointed at. */
const littleBytes = 2_000_000_000;
/** A certificate that ends so soon is pointed at. */
const soonDays = 21;

function ServerFacts() {
  const { body, failure } = usePolled<ServerBody>(apiPaths.server, { everyMs: 5_000 });
  if (body === null) {
    return failure === null ? <Waiting for="the server" /> : <Notice tone="warn" title={failure.message} />;
  }
  return (
    <>
      {failure !== null && (
        <Notice tone="warn" title={failure.message}>
          <p>What stands below is what it said last.</p>
        </Notice>
      )}
      <Judgement server={body} />
      <div className={styles.panels}>
        <div className="stack">
          <Panel title="Live">
            <Facts facts={aboutLive(body)} />
          </Panel>
          <Panel title="This server">
            <Facts facts={aboutServer(body)} />
          </Panel>
        </div>
        <div className="stack">
          <StorePanel store={body.store} />
          <Panel title="Disk and certificates">
            <Facts facts={aboutGround(body)} />
          </Panel>
        </div>
      </div>
    </>
  );
}

/** What an operator has to know before all else. */
function Judgement({ server: { status, fault, store, disk, certificates } }: { readonly server: ServerBody }) {
  const { free_bytes: freeBytes } = disk;
  const ending = certificates.filter(({ days_left }) => days_left < soonDays);
  const isWell = fault === null && store.unstored === 0 && ending.length === 0;
  return (
    <>
      {fault !== null && (
        <Notice tone="error" title={`${status === "degraded" ? "Samples are not being stored" : status}: ${fault}.`}>
          <p>Live delivery goes on. What waits is stored once it can be, up to {formatSize(store.queued_bytes_max)}.</p>
        </Notice>
      )}
      {fault === null && store.unstored > 0 && (
        <Notice tone="warn" title={`${whole(store.unstored)} samples were not stored since the start.`}>
          <p>The store was behind for longer than the queue holds. The events say when.</p>
        </Notice>
      )}
      {freeBytes !== null && freeBytes < littleBytes && (
        <Notice tone="warn" title={`The disk is nearly full: ${formatSize(freeBytes)} are left.`} />
      )}
      {ending.map(({ subject, days_left }) => (
        <Notice
          key={subject}
          tone={days_left < 0 ? "error" : "warn"}
          title={
            days_left < 0
              ? `The certificate of ${subject} has ended.`
              : `The certificate of ${subject} ends in ${days_left} days.`
          }
        >
          <p>Put another in its place and send the server SIGHUP.</p>
        </Notice>
      ))}
      {isWell && (
        <Notice tone="info" icon="check" title="It delivers, and it stores.">
          <p>{store.stored_at === null ? "Nothing has come since its start." : "Nothing was lost since its start."}</p>
        </Notice>
      )}
    </>
  );
}

function aboutServer(server: ServerBody) {
  const nowMs = Date.parse(server.now);
  const startedMs = Date.parse(server.started_at);
  return [
    ["Version", server.version],
    ["Runs on", `Node ${server.node.slice(1)}, SQLite ${server.sqlite}`],
    ["Started", `${formatInstant(startedMs, nowMs)}, ${formatSpan(nowMs - startedMs)} ago`],
    ["Its clock", formatInstant(nowMs, nowMs)],
    ["Days begin in", server.time_zone.replaceAll("_", " ")],
    ["Address", server.public_url ?? <span className="muted">not said (public_url)</span>],
    ["Data folder", <code key="data">{server.data_dir}</code>],
  ] as const;
}

function aboutLive({ live, links }: ServerBody) {
  return [
    ["Devices", `${whole(links.devices_online)} of ${whole(links.devices)} connected`],
    ["Dashboards", `${whole(links.dashboards)} open, ${whole(links.slow_readers)} cut since they did not read`],
    ["Sockets", `${whole(links.sockets)} of ${whole(links.sockets_max)}`],
    ["Messages", `${whole(live.accepted)} taken, ${whole(live.dropped)} dropped`],
    ["Delivered", whole(live.delivered)],
    ["Stood still", `${formatSpanMs(live.stalled_ms)} in all`],
    ["Commands", `${whole(live.open_commands)} open`],
  ] as const;
}

function aboutGround({ disk, certificates }: ServerBody) {
  const free =
    disk.free_bytes === null ? <span className="muted">not told by the system</span> : formatSize(disk.free_bytes);
  if (certificates.length === 0) {
    return [
      ["Free", free],
      [
        "Certificate",
        <span key="none" className="muted">
          none: the server does not speak TLS itself
        </span>,
      ],
    ] as const;
  }
  return [
    ["Free", free] as const,
    ...certificates.map(
      (each, at) => [at === 0 ? "Certificate" : `Chain ${at}`, <Ends key={each.subject} {...each} />] as const,
    ),
  ];
}

function Ends({ subject, issuer, valid_to, days_left }: CertificateBody) {
  return (
    <>
      {subject}{" "}
      <span className={days_left < soonDays ? "warn" : "muted"}>
        {days_left < 0 ? `ended ${whole(-days_left)} days ago` : `${whole(days_left)} days left`}
      </span>
      <span className={styles.sub}>
        to {valid_to.slice(0, 10)}, from {issuer}
      </span>
    </>
  );
}

function formatSpanMs(ms: number): string {
  return ms < 1_000 ? `${whole(ms)} ms` : formatSpan(ms);
}
