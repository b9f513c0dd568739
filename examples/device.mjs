// A device in Node: reads its sensors once a second, obeys commands.
//   DEVICE_ID=ems_001 API_TOKEN=… WATTBOARD_JOURNALS=./journals node examples/device.mjs
import { connectDevice } from "@wattboard/device";

let target = { target_mode: "AUTO" };
let soc = 50;

const device = connectDevice({
  // WATTBOARD_URL, or http://127.0.0.1:8000.
  // Samples are kept on the disk until the server has stored them: see WATTBOARD_JOURNALS, or name a folder as `journal`.
  read() {
    soc = Math.min(100, soc + 0.01);
    return {
      system_status: {
        state: "CHARGING",
        mode: target.target_mode === "AUTO" ? "AUTO" : "MANUAL",
        error_flags: [],
        // With these the server sees that a command took effect.
        target_mode: target.target_mode,
        target_power: target.target_power ?? null,
      },
      battery: { voltage: 52.8, current: 10, power: 528, soc: Math.round(soc * 100) / 100 },
      // What the catalogue does not know is welcome too.
      enclosure: { humidity: 41 },
    };
  },
  onCommand({ action, payload }) {
    console.log("command", action, payload);
    if (action === "SET_MODE") target = payload;
  },
  onStatus: (status) => console.log(status.state),
});

process.once("SIGINT", () => device.stop());
process.once("SIGTERM", () => device.stop());
