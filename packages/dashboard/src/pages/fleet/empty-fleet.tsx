import { paths, webSocketUrl } from "@wattboard/protocol";
import { serverUrl } from "../../paths.ts";
import styles from "./empty-fleet.module.css";

/** What a new user sees: three steps to the first value. */
export function EmptyFleet() {
  const address = `${webSocketUrl(serverUrl, paths.device)}ems_001`;
  return (
    <section className={styles.empty}>
      <h2>No devices yet</h2>
      <p>A device shows up here the moment it is registered, and comes alive with its first message.</p>
      <ol>
        <li>
          <span>Register it. The token is printed once.</span>
          <pre>npx wattboard device add ems_001</pre>
        </li>
        <li>
          <span>Let the device connect, with its token in the handshake.</span>
          <pre>
            {address}
            {"\n"}Authorization: Bearer wb_…
          </pre>
        </li>
        <li>
          <span>Send one JSON message a second. It is here before you look up.</span>
        </li>
      </ol>
    </section>
  );
}
