import { own } from "../ui/own.ts";
import { spelled } from "../ui/spelled.ts";

/** How an event is to be looked at: something is wrong, it is over, or it is to be known. */
type EventTone = "bad" | "warn" | "good" | "dull";

interface EventWords {
  readonly label: string;
  readonly tone: EventTone;
  readonly group: "Server" | "Alarms" | "Devices" | "Come and go";
}

const kind = (group: EventWords["group"], tone: EventTone, label: string): EventWords => ({ group, tone, label });

/** The kinds of events that the server tells of. */
export const eventKinds: Readonly<Record<string, EventWords>> = {
  store_failing: kind("Server", "bad", "Store takes no samples"),
  store_recovered: kind("Server", "good", "Store takes samples again"),
  store_damaged: kind("Server", "bad", "Store is damaged"),
  samples_unstored: kind("Server", "bad", "Samples are not stored"),
  samples_lost: kind("Server", "bad", "Samples are lost"),
  data_dir_gone: kind("Server", "bad", "Data folder is gone"),
  data_dir_back: kind("Server", "good", "Data folder is back"),
  commands_failing: kind("Server", "bad", "Commands cannot be stored"),
  commands_recovered: kind("Server", "good", "Commands are stored again"),
  summaries_renewing: kind("Server", "dull", "History is summed up anew"),
  summaries_renewed: kind("Server", "good", "History has been summed up"),
  alarms_failing: kind("Server", "bad", "Alarms cannot be stored"),
  alarms_recovered: kind("Server", "good", "Alarms are stored again"),
  channel_failing: kind("Server", "bad", "Notifications do not arrive"),
  channel_recovered: kind("Server", "good", "Notifications arrive again"),
  notification_given_up: kind("Server", "bad", "Notification given up"),
  alarm_raised: kind("Alarms", "bad", "Alarm"),
  alarm_cleared: kind("Alarms", "good", "Alarm is over"),
  clock_stepped: kind("Server", "warn", "Server’s clock was set"),
  sockets_full: kind("Server", "bad", "Too many connections"),
  contested: kind("Devices", "bad", "Two devices on one token"),
  claim_contested: kind("Devices", "bad", "Claim is contested"),
  token_changed: kind("Devices", "dull", "Token changed"),
  clock_off: kind("Devices", "warn", "Device’s clock is wrong"),
  values_left_out: kind("Devices", "warn", "Values left out"),
  messages_refused: kind("Devices", "warn", "Messages refused"),
  flapping: kind("Devices", "warn", "Comes and goes too often"),
  flooding: kind("Devices", "warn", "Sends too much"),
  connected: kind("Come and go", "dull", "Online"),
  disconnected: kind("Come and go", "dull", "Offline"),
};

export const eventGroups = ["Server", "Alarms", "Devices", "Come and go"] as const;

/** A kind that the page does not know yet is spelled as the server has it. */
export function eventWords(name: string): EventWords {
  return own(eventKinds, name) ?? kind("Server", "dull", spelled(name));
}
