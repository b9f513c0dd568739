import type { RotationBody } from "@wattboard/protocol";
import { serverClock } from "../api/server-clock.ts";
import { formatInstant } from "../ui/format-time.ts";

/** How far a new token is that its device has not come with yet. */
export function RotationWords({ rotation }: { readonly rotation: RotationBody }) {
  const { former_until, state, by_hand } = rotation;
  return (
    <p>
      {by_hand ? <b>Somebody has to give the device its new token. </b> : `${stateWords[state]} `}
      The one before is valid until {formatInstant(Date.parse(former_until), serverClock.now())}.
    </p>
  );
}

const stateWords: Readonly<Record<RotationBody["state"], string>> = {
  waiting: "The new token waits for the device.",
  offered: "The device has been sent its new token.",
  stored: "The device has stored its new token, and comes with it next.",
};
