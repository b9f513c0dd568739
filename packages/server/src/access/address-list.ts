import { BlockList, isIP } from "node:net";
import { Failure } from "../base/failure.ts";

/** Addresses and networks, as a setting lists them: `10.0.0.7`, `10.0.0.0/8`, `::1`. */
export class AddressList {
  readonly #list = new BlockList();
  readonly isEmpty: boolean;

  /** `setting`: where they stand, for the error. Throws a `Failure`: `invalid_config`. */
  constructor(setting: string, networks: readonly string[]) {
    this.isEmpty = networks.length === 0;
    for (const network of networks) {
      const [address = "", prefix] = network.split("/");
      const family = isIP(address);
      const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
      if (family === 0 || !Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128)) {
        throw new Failure(
          "invalid_config",
          `${setting} has ${JSON.stringify(network)}; it must be an address or a network such as 10.0.0.0/8.`,
        );
      }
      this.#list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
    }
  }

  has(address: string): boolean {
    return !this.isEmpty && isIP(address) !== 0 && this.#list.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
  }
}
