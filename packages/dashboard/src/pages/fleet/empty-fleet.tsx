import { Link } from "wouter";
import { useFirstSteps } from "../../api/first-steps.ts";
import { useMe } from "../../api/me.ts";
import { NewServerNotice } from "../../frame/new-server-notice.tsx";
import { pagePaths } from "../../paths.ts";
import { buttonLook } from "../../ui/button.tsx";
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
    <div className={styles.steps}>
      <p>A device shows up here the moment it is registered, and comes alive with its first message.</p>
      <div className="buttons">
        <Link {...buttonLook} data-tone="strong" href={pagePaths.addDevice}>
          Add a device
        </Link>
        <Link {...buttonLook} href={pagePaths.addDevices}>
          Many, from a CSV file
        </Link>
      </div>
      <details>
        <summary>On the command line</summary>
        <p className="fine">On the machine of the server. The token is printed once.</p>
        <CopyLine label="Command that registers a device" text={command} />
      </details>
    </div>
  );
}
