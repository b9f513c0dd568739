/** Shorter than from one frame of the fleet to the next: what a frame has changed goes out together, and a cell that changes each time blinks. */
const litMs = 400;

let lit: Element[] = [];

/**
 * Lights a cell up for a moment. An attribute is set and taken away again, so the page is painted twice for a frame of the fleet; an animation
 * would have it painted for each frame of the screen for as long as anything changes, which in a fleet is always.
 */
export function lightUp(cell: Element): void {
  cell.setAttribute("data-lit", "");
  if (lit.length === 0) setTimeout(putOut, litMs);
  lit.push(cell);
}

function putOut(): void {
  for (const cell of lit) cell.removeAttribute("data-lit");
  lit = [];
}
