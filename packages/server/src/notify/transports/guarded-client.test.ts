import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { AddressList } from "../../access/address-list.ts";
import { GuardedClient, RequestFault } from "./guarded-client.ts";
import { loopbackClient, startReceiver } from "./local-receiver.fixture.ts";
import { isPublicAddress } from "./public-address.ts";

const inside = [
  "0.0.0.0",
  "0.1.2.3",
  "10.0.0.1",
  "100.64.0.1",
  "100.127.255.255",
  "127.0.0.1",
  "127.255.0.1",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.1",
  "192.0.2.1",
  "192.88.99.1",
  "192.168.0.1",
  "198.18.0.1",
  "198.51.100.7",
  "203.0.113.7",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::127.0.0.1",
  "::ffff:127.0.0.1",
  "::ffff:10.0.0.1",
  "::ffff:8.8.8.8",
  "::ffff:0:127.0.0.1",
  "64:ff9b::127.0.0.1",
  "64:ff9b::8.8.8.8",
  "64:ff9b:1::1",
  "100::1",
  "2001::1",
  "2001:db8::1",
  "2002:7f00:1::",
  "3fff::1",
  "5f00::1",
  "fc00::1",
  "fd12:3456::1",
  "fe80::1",
  "fec0::1",
  "ff02::1",
];
const outside = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.3.1"];
const outside6 = ["2606:4700:4700::1111", "2001:4860:4860::8888", "2a01:4f8::1"];
/** Other ways to write an address that browsers take, and so a URL does. */
const spelled = ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "[::ffff:7f00:1]", "localhost"];

const nobody = new AddressList("notify.private_networks", []);
const post = (client: GuardedClient, url: string, signal = new AbortController().signal) =>
  client.post(url, {}, "{}", signal);

describe("addresses of the inside", () => {
  test.each(inside)("%s is none of the internet", (address) => expect(isPublicAddress(address)).toBe(false));
  test.each([...outside, ...outside6])("%s is one of the internet", (address) =>
    expect(isPublicAddress(address)).toBe(true),
  );

  test.each(inside)("nothing is sent to https://%s, whether it stands there or a name says so", async (address) => {
    const literal = address.includes(":") ? `[${address}]` : address;
    const client = new GuardedClient(nobody, async () => [address]);
    await expect(post(client, `https://${literal}/`)).rejects.toThrow("private network");
    await expect(post(client, "https://example.org/")).rejects.toThrow("private network");
  });

  test.each(spelled)("nothing is sent to %s, however it is written", async (host) => {
    const { port, received } = await startReceiver();
    for (const scheme of ["http", "https"]) {
      await expect(post(new GuardedClient(nobody), `${scheme}://${host}:${port}/`)).rejects.toThrow("private network");
    }
    expect(received).toEqual([]);
  });

  test("a name with one address of the internet and one of the inside is refused", async () => {
    const client = new GuardedClient(nobody, async () => ["8.8.8.8", "10.0.0.1"]);
    await expect(post(client, "https://example.org/")).rejects.toThrow("private network");
  });

  test("a listed network is sent to, also without TLS; another is not", async () => {
    const { url, received } = await startReceiver();
    await expect(post(loopbackClient(), `${url}/a`)).resolves.toMatchObject({ status: 200 });
    await expect(post(loopbackClient(), "http://192.168.0.1/")).rejects.toThrow("private network");
    expect(received.map(({ path }) => path)).toEqual(["/a"]);
  });

  test("to the internet nothing goes without TLS", async () => {
    const client = new GuardedClient(nobody, async () => ["8.8.8.8"]);
    await expect(post(client, "http://example.org/")).rejects.toThrow("Only https://");
  });
});

test("a name is resolved once, and the connection goes to the address that was judged (DNS rebinding)", async () => {
  const { port, received } = await startReceiver();
  const asked: string[] = [];
  const client = new GuardedClient(new AddressList("notify.private_networks", ["127.0.0.1"]), async (name) => {
    asked.push(name);
    // From the second time on it would be the metadata of a cloud.
    return [asked.length === 1 ? "127.0.0.1" : "169.254.169.254"];
  });
  // Nobody else resolves this name.
  await expect(post(client, `http://rebound.invalid:${port}/`)).resolves.toMatchObject({ status: 200 });
  expect(asked).toEqual(["rebound.invalid"]);
  expect(received[0]?.headers.host).toBe(`rebound.invalid:${port}`);
});

test("a redirect is not followed", async () => {
  const other = await startReceiver();
  const { url } = await startReceiver((_, response) => void response.writeHead(302, { location: other.url }).end());
  await expect(post(loopbackClient(), url)).resolves.toMatchObject({ status: 302 });
  expect(other.received).toEqual([]);
});

test("of an answer without an end 4 KiB are read", async () => {
  let sent = 0;
  let wasCut = false;
  const { url } = await startReceiver((_, response) => {
    response.on("close", () => {
      wasCut = true;
    });
    const more = (): void => {
      if (wasCut) return;
      sent += 1_024;
      response.write(Buffer.alloc(1_024), () => setImmediate(more));
    };
    more();
  });
  await expect(post(loopbackClient(), url)).resolves.toMatchObject({ status: 200 });
  await expect.poll(() => wasCut, { timeout: 10_000 }).toBe(true);
  expect(sent).toBeLessThan(8_000_000);
});

test.each([
  ["a receiver that takes the connection and says nothing", () => {}],
  ["one that says what is no HTTP", (write: (text: string) => void) => write("hello\r\n\r\n")],
  ["one that stops in the middle of its headers", (write: (text: string) => void) => write("HTTP/1.1 200 OK\r\nA")],
])("%s fails in words, by the deadline", async (_, answer) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    answer((text) => void socket.write(text));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const controller = new AbortController();
  const posted = post(
    loopbackClient(),
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    controller.signal,
  );
  const refused = expect(posted).rejects.toBeInstanceOf(RequestFault);
  await new Promise((resolve) => server.once("connection", (socket) => socket.once("data", resolve)));
  setImmediate(() => controller.abort());
  await refused;
});

test("a name whose lookup hangs fails by the deadline", async () => {
  const controller = new AbortController();
  const client = new GuardedClient(nobody, () => new Promise(() => {}));
  const posted = post(client, "https://example.org/", controller.signal);
  controller.abort();
  await expect(posted).rejects.toThrow("Its name was not resolved in time.");
});

test("a fault names no address, which may hold a secret", async () => {
  const client = new GuardedClient(nobody, async () => {
    throw Object.assign(new Error("getaddrinfo ENOTFOUND secret.example"), { code: "ENOTFOUND" });
  });
  await expect(post(client, "https://secret.example/hook/s3cret")).rejects.toThrow(
    /^Its name cannot be resolved \(ENOTFOUND\)\.$/,
  );
});
