import type { OutstandingBody, OutstandingItem } from "@wattboard/protocol";

interface OutstandingListProps {
  readonly name: string;
  readonly outstanding: OutstandingBody;
}

/** More are only counted. */
const shownMax = 20;

/** What somebody has set going, which ends when they are removed. */
export function OutstandingList({ name, outstanding: { count, items } }: OutstandingListProps) {
  if (count === 0) return <p>Nothing of {name}’s goes on. They are signed out everywhere.</p>;
  const shown = items.slice(0, shownMax);
  return (
    <div>
      <p>When {name} is removed, this ends too:</p>
      <ul aria-label={`What ends with ${name}`}>
        {shown.map((item) => (
          <li key={`${item.kind} ${item.id} ${item.device_id} ${item.about}`}>{describeItem(item)}</li>
        ))}
      </ul>
      {count > shown.length && <p className="fine">and {count - shown.length} more</p>}
    </div>
  );
}

function describeItem({ kind, id, device_id, about }: OutstandingItem): string {
  switch (kind) {
    case "share_link":
      return `Share link to ${device_id}, for ${about}`;
    case "command":
      return `Command ${about} to ${device_id}, not sent yet`;
    case "fleet_command":
      return `Fleet command ${about}, under way`;
    case "api_token":
      return `API token ${id} (${about})`;
    case "one_time_link":
      return about === "" ? "Link that creates an administrator" : `One-time link for ${about}`;
  }
}
