import type { MadeChannelBody } from "@wattboard/protocol";
import { sendJson } from "../../../api/request.ts";
import { apiPaths, basePath } from "../../../paths.ts";

/** Why this browser cannot be sent anything, for people; null: it can. */
export function describePushFault(): string | null {
  if (!window.isSecureContext) return "Browsers take notifications over https:// alone.";
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    return "This browser takes no notifications. On an iPhone the page has to be on the home screen.";
  }
  return null;
}

/** Asks the person, subscribes this browser, and makes it a channel. */
export async function subscribeHere(publicKey: string): Promise<MadeChannelBody> {
  if ((await Notification.requestPermission()) !== "granted") {
    throw new Error("This browser does not allow it: allow notifications of this page in its settings.");
  }
  await navigator.serviceWorker.register(`${basePath}/service-worker.js`);
  const registration = await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: publicKey,
  });
  const { endpoint, keys } = subscription.toJSON();
  return sendJson("POST", apiPaths.channels, {
    kind: "push",
    endpoint,
    keys: { p256dh: keys?.p256dh ?? "", auth: keys?.auth ?? "" },
    name: browserName(),
  });
}

function browserName(): string {
  const found = /(Firefox|Edg|Chrome|Safari)\//.exec(navigator.userAgent)?.[1] ?? "A browser";
  const system = /(Android|iPhone|iPad|Windows|Macintosh|Linux)/.exec(navigator.userAgent)?.[1];
  return `${found === "Edg" ? "Edge" : found}${system === undefined ? "" : `, ${system}`}`;
}
