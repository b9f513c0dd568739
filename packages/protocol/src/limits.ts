/**
 * The limits of the wire contract, in one place. Each says what happens when it is reached.
 * Those a server's operator may change are settings (see the server's configuration reference); these are their defaults.
 */
export const limits = {
  /** A socket at `/update/` that has not named a device which may come in is closed after so long, ms; it may come again. */
  admissionMsMax: 10_000,
  /** Sockets at `/update/` that have not been let in; one more closes the one that has waited longest. */
  unadmittedLinksMax: 4_096,
  /** A telemetry frame above this many bytes closes the link with 1009. */
  frameBytesMax: 16 * 1024,
  /** Sustained telemetry messages a second for one link; the excess is dropped and counted. What the server itself was late to read is not. */
  messagesPerSecond: 50,
  /** Messages that a link may send at once before the sustained rate applies. */
  messagesBurst: 1_000,
  /** Frames of any kind, pings too, that a viewer may send in the long run; above it its link is closed with 1008. */
  viewerFramesPerSecond: 20,
  /** Frames that a viewer may send at once before that applies. */
  viewerFramesBurst: 200,
  /** A device that sends this many times its rate is not read for a while, so that it waits; one that floods pings is closed with 1008. */
  floodFactor: 10,
  /** Points outside the catalogue that one device may have; what is beyond is left out of its messages. */
  extraPointsMax: 256,
  /** Numbers in a list that becomes points (`cell_voltages_1`, …); a longer list is left out. */
  listNumbersMax: 128,
  /** Characters in the name of a section or of a field; a value with a longer one is left out. */
  nameLengthMax: 64,
  /** Characters of one condition of a filter or a fleet command; longer ones are refused. */
  conditionLengthMax: 500,
  /** Conditions of one filter, fleet command or rule of an alarm, all of which are to be met. */
  conditionsMax: 16,
  /** Characters in a text value; a longer one is left out. */
  textLengthMax: 256,
  /** Error flags in one message; what is beyond is left out. */
  errorFlagsMax: 32,
  /** Characters in a device id; a longer one is refused like an unknown id. */
  deviceIdLengthMax: 64,
  /** How far a time may lie ahead of now in a question about the past, or in an import, ms. */
  clockSkewMsMax: 5 * 60_000,
  /** A device clock this close to the server's is right, ms; further off it is late, or off. */
  clockRightMsMax: 2_000,
  /** A sample that was measured longer ago than this by its own account, or this far ahead, is filed under its time of receipt, ms. */
  backlogMsMax: 31 * 24 * 60 * 60_000,
  /** A device clock that shows the same instant for longer than this stands still, and is not believed either. */
  clockStillMsMax: 2_000,
  /** A value older than this, ms, is `late`, and grey on the pages; a device that sends every second is a few samples behind. */
  lateAfterMs: 5_000,
  /** A value older than this, ms, is `stale`, and no longer counts as the present. */
  staleAfterMs: 30_000,
  /** A connected device that sends only on change (SMART-OS) may be silent for so long, ms, and is `idle`; then its values are `stale` too. */
  idleMsMax: 60 * 60_000,
  /** Commands of one device that have not ended; one more is refused with 429. */
  openCommandsMax: 16,
  /** How long a command may wait for its device, unless it says otherwise, ms; then it is `expired`. */
  commandTtlMs: 60_000,
  /** The longest that a command may wait, ms. */
  commandTtlMsMax: 24 * 60 * 60_000,
  /** Commands of one device that are kept after their end; then the oldest goes. */
  commandsKeptPerDevice: 100,
  /** Commands of all devices that are kept after their end; then the oldest goes. */
  commandsKept: 100_000,
  /** Fleet commands that run at once; one more is refused with 429. */
  fleetCommandsRunning: 4,
  /** Fleet commands that are kept; then the oldest that has ended goes. */
  fleetCommandsKept: 100,
  /** Alarms that are kept when they are over; then the oldest goes. Open ones always are. */
  alarmsKept: 10_000,
  /** Devices that are listed of an alarm that is over; the others are counted. */
  alarmDevicesKept: 1_000,
  /** Steps that are kept of one alarm: the first ones and the newest; those between go. */
  alarmStepsMax: 100,
  /** Rules of one's own; one more is refused. */
  alarmRulesMax: 100,
  /** How far ahead an alarm may be snoozed, ms; a longer time is refused. */
  alarmSnoozeMsMax: 30 * 24 * 60 * 60_000,
  /** The shortest lease of a manual mode, ms; a shorter one is refused. */
  leaseMsMin: 1_000,
  /** The longest lease of a manual mode, ms; a longer one is refused. */
  leaseMsMax: 24 * 60 * 60_000,
  /** Parameters that a device may announce; a hello with more is dropped. */
  parametersMax: 64,
  /** Choices of one parameter; a hello with more is dropped. */
  parameterChoicesMax: 64,
  /** The highest number of a sample in a journal; a device that has come so far begins another journal. */
  seqMax: 2 ** 32 - 1,
  /** Stretches of a journal that are stored behind a hole; a live sample that would begin one more is delivered, and stored when it comes again. */
  durableRangesMax: 32,
  /** Journals of one device that are remembered; the one that was not heard of for longest is forgotten. */
  journalsPerDevice: 16,
  /** Samples in one frame of backfill; a frame with more is refused. */
  backfillSamplesMax: 256,
  /** The longest that a token stays valid beside the one that replaces it, ms; a longer overlap is refused. */
  tokenOverlapMsMax: 90 * 24 * 60 * 60_000,
  /** Tokens of before that one device may have beside its newest; one more rotation with an overlap is refused until it has come with the newest. */
  formerTokensMax: 3,
  /** Devices whose samples one device is sent; the first by their ids, the others are left out. */
  peersMax: 64,
  /** Devices that are sent the samples of others at once; one more is refused. */
  peerReadersMax: 256,
} as const;
