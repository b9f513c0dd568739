import type { ChannelAddress, WebhookAddress } from "./records.ts";

/** One address, as people write them: no name, no list, no quotes, nothing that begins another line or another address. */
const emailPattern = /^[^\s@,;:<>()[\]\\"\p{Cc}]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,188})$/iu;

/** What is wrong with where somebody wants to be told, in words; null: nothing. */
export function describeAddressFault(address: ChannelAddress): string | null {
  if (address.kind === "email") {
    return emailPattern.test(address.address) ? null : "The e-mail address must look like ann@example.org.";
  }
  if (address.kind === "push") {
    const { p256dh, auth, endpoint } = address;
    const isPoint = base64Bytes(p256dh).length === 65 && base64Bytes(p256dh)[0] === 4;
    if (!isPoint || base64Bytes(auth).length !== 16) return "The keys are none of a browser's push subscription.";
    return describeUrlFault(endpoint);
  }
  return describeUrlFault(address.url) ?? describePresetFault(address);
}

function describeUrlFault(text: string): string | null {
  if (!URL.canParse(text)) return "The address must be a URL such as https://example.org/hook.";
  const { protocol, username, password, hash } = new URL(text);
  if (protocol !== "https:" && protocol !== "http:") return "The address must begin with https://.";
  if (username !== "" || password !== "") return "A name or a password in the address is not sent; leave it out.";
  return hash === "" ? null : "What stands behind # is never sent; leave it out.";
}

function describePresetFault({ preset, topic, chatId, token }: WebhookAddress): string | null {
  if (preset === "ntfy" && topic === null) return "ntfy needs the topic.";
  if (preset === "ntfy" && !/^[-_A-Za-z0-9]{1,64}$/.test(topic ?? "")) {
    return "A topic of ntfy has 1 to 64 letters, digits, - or _.";
  }
  if (preset === "telegram" && !/^(?:-?\d{1,20}|@[A-Za-z0-9_]{5,32})$/.test(chatId ?? "")) {
    return "Telegram needs chat_id: the chat's number, or @name of a channel.";
  }
  if (token !== null && !/^[\x21-\x7e]+$/.test(token)) return "The token may hold visible ASCII characters only.";
  return null;
}

function base64Bytes(text: string): Buffer {
  return Buffer.from(text, "base64url");
}
