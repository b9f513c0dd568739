import { scaleQuantity } from "../ui/format-number.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { describePower, type PowerPoint } from "./power.ts";

/** Rising and falling for the battery's level; down to the house and up from it for the grid. */
const arrows: Partial<Record<PowerPoint, { in: IconName; out: IconName }>> = {
  "battery.power": { in: "down", out: "up" },
  "grid.power": { in: "down", out: "up" },
};

/** A power with its unit and, where its sign has two meanings, an arrow and the word for it. */
export function PowerValue({ point, signedW }: { readonly point: PowerPoint; readonly signedW: number | null }) {
  if (signedW === null) return <span className="absent">—</span>;
  const { watts, flow, word } = describePower(point, signedW);
  const { value, unit } = scaleQuantity(watts, "W");
  const arrow = flow === "none" ? undefined : arrows[point]?.[flow];
  return (
    <span className={`power power-${flow}`}>
      <span className="quantity">
        {value} <span className="unit">{unit}</span>
      </span>
      {point in arrows && (
        <span className="power-word">
          {arrow !== undefined && <Icon name={arrow} size={11} />}
          {word}
        </span>
      )}
    </span>
  );
}
