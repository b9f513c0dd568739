// A device in Node that sees the devices beside it, and tells how full their batteries are.
//   wattboard serve --access-peers …
//   wattboard device set ems_001 --property site=harbour --property peers=site
//   DEVICE_ID=ems_001 API_TOKEN=… node examples/peers.mjs
import { connectDevice } from "@wattboard/device";

const socs = new Map();

const device = connectDevice({
  // Its own telemetry tells what it knows of the others.
  read: () => ({ battery: { soc: 50 }, neighbours: { count: socs.size } }),
});

device.subscribePeers({
  onSample({ device_id, battery }) {
    socs.set(device_id, battery?.soc ?? null);
    console.log(device_id, battery?.soc ?? "?", "%");
  },
  onPeers: (deviceIds, reason) => console.log(reason ?? `peers: ${deviceIds.join(", ") || "none"}`),
});

process.once("SIGINT", () => device.stop());
process.once("SIGTERM", () => device.stop());
