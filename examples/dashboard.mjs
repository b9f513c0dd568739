// A dashboard in Node: prints what one device sends.
//   WATTBOARD_TOKEN=… node examples/dashboard.mjs ems_001
// The token is one of `wattboard api-token add wallboard --role viewer`; without it where access.dashboards is public.
import { connectTelemetry } from "@wattboard/client";

const [deviceId = "ems_001"] = process.argv.slice(2);
const stream = connectTelemetry(deviceId, {
  url: process.env.WATTBOARD_URL ?? "http://127.0.0.1:8000",
  token: process.env.WATTBOARD_TOKEN,
  onTelemetry: ({ timestamp, battery, system_status: status }) =>
    console.log(timestamp, status?.state ?? "", `${battery?.soc ?? "–"} %`, `${battery?.power ?? "–"} W`),
  onStatus: (status) => console.error(status),
  onError: (error) => console.error(error.message),
});

process.once("SIGINT", () => stream.close());
