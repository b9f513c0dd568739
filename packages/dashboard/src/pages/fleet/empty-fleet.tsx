import { paths, webSocketUrl } from "@wattboard/protocol";
import { useFirstSteps } from "../../api/first-steps.ts";
import { useMe } from "../../api/me.ts";
import { NewServerNotice } from "../../frame/new-server-notice.tsx";
import { serverUrl } from "../../paths.ts";
import { CopyLine } from "../../ui/copy-line.tsx";
import styles from "./empty-fleet.module.css";

/** Where there is nothing to see yet: what that means for whoever looks. */
export function EmptyFleet() {
  const me = useMe();
  const steps = useFirstSteps();
  if (me === undefined || steps === null) return null;
  return (
    <section className={styles.empty}>
      <h2>No devices yet</h2>
      {steps.setup_command !== null && <NewServerNotice command={steps.setup_command} />}
      {steps.add_device_command !== null && <AddSteps command={steps.add_device_command} />}
      {!steps.is_new && steps.add_device_command === null && (
        <p>
          {me?.kind === "person" && me.devices !== null
            ? "None is yours yet. Whoever administers this server gives you your devices; they show up here at once."
            : "Whoever administers this server registers them; they show up here at once."}
        </p>
      )}
    </section>
  );
}

/** The way to the first value, for an administrator. */
function AddSteps({ command }: { readonly command: string }) {
  return (
    <>
      <p>A device shows up here the moment it is registered, and comes alive with its first message.</p>
      <ol>
        <li>
          <span>Register it, on the machine of the server. The token is printed once.</span>
          <CopyLine label="Command that registers a device" text={command} />
        </li>
        <li>
          <span>Let the device connect, with its token in the handshake.</span>
          <pre>
            {`${webSocketUrl(serverUrl, paths.device)}ems_001`}
            {"\n"}Authorization: Bearer wb_…
          </pre>
        </li>
        <li>
          <span>Send one JSON message a second. It is here before you look up.</span>
        </li>
      </ol>
    </>
  );
}
