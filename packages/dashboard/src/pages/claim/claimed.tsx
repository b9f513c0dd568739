import type { ClaimedBody, DeviceDetail } from "@wattboard/protocol";
import { Link } from "wouter";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { apiPaths, pagePaths, serverUrl } from "../../paths.ts";
import { CopyLine } from "../../ui/copy-line.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import { Panel } from "../../ui/panel.tsx";

const pollMs = 2_000;

/** The device is theirs: what is still to be done, if anything, until it has come with its new token. */
export function Claimed({ claimed }: { readonly claimed: ClaimedBody }) {
  const { device_id: deviceId, name, token } = claimed;
  const device = usePolled<DeviceDetail>(apiPaths.device(deviceId), { everyMs: pollMs }).body;
  const rotation = device === null ? claimed.rotation : device.rotation;
  return (
    <Panel title={`${name} is yours`}>
      <div role="status">
        {rotation === null ? (
          <p>It has come with a new token that only you and it have: nothing is left to do.</p>
        ) : token === null ? (
          <p>It is being sent a new token over its connection, which takes a moment. There is nothing to do.</p>
        ) : (
          <p>
            It needs a new token, which is shown only now. Put these lines into the device&apos;s settings. Until it has
            come with the new token, and until {formatInstant(Date.parse(rotation.former_until), serverClock.now())} at
            the latest, its present one works too.
            {!rotation.by_hand &&
              " A device that takes tokens over its connection gets it by itself as soon as it is there."}
          </p>
        )}
      </div>
      {rotation !== null && token !== null && (
        <>
          <CopyLine label="Device" text={`DEVICE_ID=${deviceId}`} />
          <CopyLine label="Token" text={`API_TOKEN=${token}`} />
          <CopyLine label="Server" text={`WATTBOARD_URL=${serverUrl}`} />
        </>
      )}
      <p>
        <Link href={pagePaths.device(deviceId)}>Go to {name}</Link>
      </p>
    </Panel>
  );
}
