import type { DeviceDetail } from "@wattboard/protocol";
import { formatAge } from "../../domain/age.ts";
import { formatNumber } from "../../ui/format-number.ts";

/** How far the device's clock is off, and how much of what it has measured is still to come. */
export function DeliveryFacts({ detail: { clock_offset_ms, journal } }: { readonly detail: DeviceDetail }) {
  return (
    <>
      {clock_offset_ms !== 0 && (
        <>
          <dt>Clock</dt>
          <dd>
            {formatAge(Math.abs(clock_offset_ms))} {clock_offset_ms > 0 ? "ahead" : "behind"}{" "}
            <span className="muted">its times are corrected</span>
          </dd>
        </>
      )}
      {journal !== null && (
        <>
          <dt>Journal</dt>
          <dd>
            {journal.missing === 0 ? (
              <>all stored</>
            ) : (
              <>
                <progress value={journal.durable} max={journal.durable + journal.missing} />{" "}
                {formatNumber(journal.missing, 0)} {journal.missing === 1 ? "sample is" : "samples are"} still to come
              </>
            )}{" "}
            <span className="muted">up to sample {formatNumber(journal.durable_seq, 0)}</span>
          </dd>
        </>
      )}
    </>
  );
}
