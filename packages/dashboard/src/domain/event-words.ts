import { own } from "../ui/own.ts";
import { spelled } from "../ui/spelled.ts";

/** How an event is to be looked at: something is wrong, it is over, or it is to be known. */
type EventTone = "bad" | "warn" | "good" | "dull";

interface EventWords {
  readonly label: string;
  readonly tone: EventTone;
  readonly group: "Server" | "Alarms" | "Devices" | "Come and go";
}

const about = (group: EventWords["group"], tone: EventTone, label: string): EventWords => ({ group, tone, label });

/** The kinds of events that the server tells of. */
export const eventKinds: Readonly<Record<string, EventWords>> = {
  store_failing: about("Server", "bad", "Store takes no samples"),
  store_recovered: about("Server", "good", "Store takes samples again"),
  store_damaged: about("Server", "bad", "Store is damaged"),
  samples_unstored: about("Server", "bad", "Samples are not stored"),
  samples_lost: about("Server", "bad", "Samples are lost"),
  data_dir_gone: about("Server", "bad", "Data folder is gone"),
  data_dir_back: about("Server", "good", "Data folder is back"),
  commands_failing: about("Server", "bad", "Commands cannot be stored"),
  commands_recovered: about("Server", "good", "Commands are stored again"),
  summaries_renewing: about("Server", "dull", "History is summed up anew"),
  summaries_renewed: about("Server", "good", "History has been summed up"),
  alarms_failing: about("Server", "bad", "Alarms cannot be stored"),
  alarms_recovered: about("Server", "good", "Alarms are stored again"),
  alarm_raised: about("Alarms", "bad", "Alarm"),
  alarm_cleared: about("Alarms", "good", "Alarm is over"),
  clock_stepped: about("Server", "warn", "Server’s clock was set"),
  sockets_full: about("Server", "bad", "Too many connections"),
  contested: about("Devices", "bad", "Two devices on one token"),
  token_changed: about("Devices", "dull", "Token changed"),
  clock_off: about("Devices", "warn", "Device’s clock is wrong"),
  values_left_out: about("Devices", "warn", "Values left out"),
  messages_refused: about("Devices", "warn", "Messages refused"),
  flapping: about("Devices", "warn", "Comes and goes too often"),
  flooding: about("Devices", "warn", "Sends too much"),
  connected: about("Come and go", "dull", "Online"),
  disconnected: about("Come and go", "dull", "Offline"),
};

export const eventGroups = ["Server", "Alarms", "Devices", "Come and go"] as const;

/** A kind that the page does not know yet is spelled as the server has it. */
export function eventWords(kind: string): EventWords {
  return own(eventKinds, kind) ?? about("Server", "dull", spelled(kind));
}
