import { scaleQuantity } from "../ui/format-number.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { Quantity } from "../ui/quantity.tsx";
import { describePower, type PowerPointName } from "./power.ts";
import styles from "./power-value.module.css";

/** Rising and falling for the battery's level; down to the house and up from it for the grid. */
const arrows: Partial<Record<PowerPointName, { in: IconName; out: IconName }>> = {
  "battery.power": { in: "down", out: "up" },
  "grid.power": { in: "down", out: "up" },
};

/** A power with its unit and, where its sign has two meanings, an arrow and the word for it. */
export function PowerValue({ point, signedW }: { readonly point: PowerPointName; readonly signedW: number }) {
  const { watts, flow, word } = describePower(point, signedW);
  const ways = arrows[point];
  return (
    <span className={styles.power} data-flow={flow}>
      <Quantity {...scaleQuantity(watts, "W")} />
      {ways !== undefined && (
        <span className={styles.word}>
          {flow !== "none" && <Icon name={ways[flow]} size={11} />}
          {word}
        </span>
      )}
    </span>
  );
}
