import { Command } from "commander";
import { version } from "../base/version.ts";
import { addAlarmCommand } from "./alarm.ts";
import { addApiTokenCommand } from "./api-token.ts";
import { addAuditCommand } from "./audit.ts";
import { addBackupCommand, addRestoreCommand } from "./backup.ts";
import { addCommandCommand } from "./command.ts";
import { addDemoCommand } from "./demo.ts";
import { addDeviceCommand } from "./device.ts";
import { addDeviceTokenCommands } from "./device-tokens.ts";
import { addExportCommand } from "./export.ts";
import { addHistoryCommand } from "./history.ts";
import { addImportCommand } from "./import.ts";
import { addMaintenanceCommand } from "./maintenance-window.ts";
import { addNotifyCommand } from "./notify.ts";
import { addServeCommand } from "./serve.ts";
import { addShareCommand } from "./share.ts";
import { addSimulateCommand } from "./simulate.ts";
import { addSimulateSolMateCommand } from "./simulate-solmate.ts";
import { addStoreCommand } from "./store.ts";
import { addUserCommand } from "./user.ts";

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command("wattboard")
    .description("The real-time switchboard for fleets of energy devices.")
    .version(version)
    // What stands behind the name of a command is that one's: `simulate` and `simulate solmate` both have --url.
    .enablePositionalOptions()
    .showHelpAfterError("(add --help for the options and examples)")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard serve                       start the server on http://127.0.0.1:8000
  $ wattboard device add ems_001          register a device and print its token
  $ wattboard export --all --from -24h    the raw samples of a day as CSV
  $ wattboard command send ems_001 RESET_ERROR --wait
  $ wattboard demo --devices 50           a server with a simulated fleet, to look around

Exit codes: 0 done, 1 failed, 2 wrong usage.`,
    )
    .exitOverride();
  addServeCommand(program);
  addDemoCommand(program);
  addDeviceTokenCommands(addDeviceCommand(program));
  addUserCommand(program);
  addApiTokenCommand(program);
  addShareCommand(program);
  addCommandCommand(program);
  addAlarmCommand(program);
  addAuditCommand(program);
  addNotifyCommand(program);
  addMaintenanceCommand(program);
  addSimulateSolMateCommand(addSimulateCommand(program));
  addExportCommand(program);
  addImportCommand(program);
  addBackupCommand(program);
  addRestoreCommand(program);
  addHistoryCommand(program);
  addStoreCommand(program);
  return program;
}
