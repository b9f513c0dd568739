import type { DeviceEnergyBody } from "@wattboard/protocol";
import { useState } from "react";
import { formatNumber, scaleQuantity } from "../../ui/format-number.ts";
import { locale } from "../../ui/locale.ts";
import { Quantity } from "../../ui/quantity.tsx";
import styles from "./energy-bars.module.css";
import { energyMark, scaleTicks } from "./scale-ticks.ts";

type Span = DeviceEnergyBody["spans"][number];

interface EnergyBarsProps {
  readonly energy: DeviceEnergyBody;
  /** Room for so many spans, of which some may lie ahead. */
  readonly bars: number;
}

/** Energy by hour, day or month: what was produced, and what became of it; what was consumed, and where it came from. */
export function EnergyBars({ energy, bars }: EnergyBarsProps) {
  const [readAt, setReadAt] = useState<number | null>(null);
  const { spans, total, per, time_zone: timeZone } = energy;
  const read = readAt === null ? undefined : spans[readAt];
  const shown = read ?? total;
  const ticks = scaleTicks(Math.max(1, ...spans.flatMap((span) => [span.produced_wh ?? 0, span.consumed_wh ?? 0])));
  const top = ticks.at(-1) ?? 1;
  const expectedFromMs = Date.parse(energy.coverage.expected_from ?? energy.to);
  // The hours before its registration are not missing.
  const isExpected = (span: Span): boolean => Date.parse(span.to) > expectedFromMs;
  const slots = Math.max(bars, spans.length);
  const every = Math.ceil(slots / 12);

  return (
    <>
      <dl className={styles.sums}>
        <Sum term="Produced" wh={shown.produced_wh} hue="solar" />
        <Sum term="Consumed" wh={shown.consumed_wh} hue="load" />
        <Sum term="From the grid" wh={shown.imported_wh} hue="grid" />
        <Sum term="To the grid" wh={shown.exported_wh} hue="grid" />
        <Sum term="Charged" wh={shown.charged_wh} hue="battery" />
        <Sum term="Discharged" wh={shown.discharged_wh} hue="battery" />
        <Share term="Autarky" share={shown.autarky} hint="Share of the consumption that did not come from the grid" />
        <Share
          term="Self-consumption"
          share={shown.self_consumption}
          hint="Share of the production that was used on the spot"
        />
      </dl>
      <p className={styles.of}>{read === undefined ? "In all" : spanName(read, per, timeZone)}</p>
      <div className={styles.frame}>
        <ol className={styles.scale} aria-hidden="true">
          {ticks.map((wh) => (
            <li key={wh} style={{ bottom: `${(100 * wh) / top}%` }}>
              <span>{energyMark(wh)}</span>
            </li>
          ))}
        </ol>
        <ol
          className={styles.bars}
          aria-label={`Energy by the ${per}`}
          style={{ gridTemplateColumns: `repeat(${slots}, minmax(0, 1fr))` }}
        >
          {spans.map((span, at) => (
            <li
              key={span.from}
              data-read={at === readAt}
              onPointerEnter={() => setReadAt(at)}
              // A finger leaves when it is lifted; what was touched stays until another bar is.
              onPointerLeave={({ pointerType }) => pointerType === "mouse" && setReadAt(null)}
            >
              <span className="sr-only">{describe(span, per, timeZone)}</span>
              <div className={styles.pair} aria-hidden="true">
                <Bar
                  top={top}
                  parts={{
                    used: span.self_consumed_wh ?? 0,
                    sold: (span.produced_wh ?? 0) - (span.self_consumed_wh ?? 0),
                  }}
                />
                <Bar top={top} parts={{ own: (span.consumed_wh ?? 0) - boughtWh(span), bought: boughtWh(span) }} />
              </div>
              <span
                className={styles.coverage}
                data-expected={isExpected(span)}
                aria-hidden="true"
                title={
                  isExpected(span)
                    ? `${formatNumber(100 * span.coverage, 0)} % of the expected time`
                    : "Nothing was expected"
                }
              >
                <span style={{ width: `${100 * span.coverage}%` }} />
              </span>
              <span className={styles.name} aria-hidden="true">
                {at % every === 0 ? shortName(span, per, timeZone) : ""}
              </span>
            </li>
          ))}
        </ol>
      </div>
      <ul className={styles.legend}>
        <li data-part="used">Produced, used here</li>
        <li data-part="sold">Produced, sold</li>
        <li data-part="own">Consumed, own</li>
        <li data-part="bought">Consumed, from the grid</li>
        <li data-part="coverage">Line below: how much was measured</li>
      </ul>
    </>
  );
}

function boughtWh({ consumed_wh, autarky }: Span): number {
  return (consumed_wh ?? 0) * (1 - (autarky ?? 0));
}

function Bar({ top, parts }: { readonly top: number; readonly parts: Readonly<Record<string, number>> }) {
  return (
    <span className={styles.bar}>
      {Object.entries(parts).map(([part, wh]) => (
        <span key={part} data-part={part} style={{ height: `${(100 * Math.max(0, wh)) / top}%` }} />
      ))}
    </span>
  );
}

function Sum({ term, wh, hue }: { readonly term: string; readonly wh: number | null; readonly hue: string }) {
  return (
    <div data-hue={hue}>
      <dt>{term}</dt>
      <dd>
        {wh === null ? (
          <span className="muted" title="Not measured">
            —
          </span>
        ) : (
          <Quantity {...scaleQuantity(wh, "Wh")} />
        )}
      </dd>
    </div>
  );
}

function Share({ term, share, hint }: { readonly term: string; readonly share: number | null; readonly hint: string }) {
  return (
    <div title={hint}>
      <dt>{term}</dt>
      <dd>
        {share === null ? <span className="muted">—</span> : <Quantity value={formatNumber(100 * share, 0)} unit="%" />}
      </dd>
    </div>
  );
}

function describe(span: Span, per: DeviceEnergyBody["per"], timeZone: string): string {
  const words = (wh: number | null) =>
    wh === null ? "not measured how much" : Object.values(scaleQuantity(wh, "Wh")).join(" ");
  return `${spanName(span, per, timeZone)}: ${words(span.produced_wh)} produced, ${words(span.consumed_wh)} consumed, ${words(span.imported_wh)} from the grid, ${words(span.exported_wh)} to the grid`;
}

function spanName({ from }: Span, per: DeviceEnergyBody["per"], timeZone: string): string {
  const day: Intl.DateTimeFormatOptions = { weekday: "short", day: "numeric", month: "short" };
  const options: Record<DeviceEnergyBody["per"], Intl.DateTimeFormatOptions> = {
    hour: { ...day, hour: "2-digit", minute: "2-digit" },
    day,
    month: { month: "long", year: "numeric" },
    year: { year: "numeric" },
  };
  return new Intl.DateTimeFormat(locale, { ...options[per], timeZone }).format(Date.parse(from));
}

function shortName({ from }: Span, per: DeviceEnergyBody["per"], timeZone: string): string {
  const options: Record<DeviceEnergyBody["per"], Intl.DateTimeFormatOptions> = {
    hour: { hour: "2-digit", hourCycle: "h23" },
    day: { day: "numeric" },
    month: { month: "short" },
    year: { year: "numeric" },
  };
  return new Intl.DateTimeFormat(locale, { ...options[per], timeZone }).format(Date.parse(from));
}
