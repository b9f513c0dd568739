import type { TokenFrame, TokenStored } from "@wattboard/protocol";
import type { TokenStore } from "./token-store.ts";

/** With which token the device comes: the one that the server has sent it last, and else the one that it was given. */
export class Credentials {
  readonly #given: string;
  readonly #server: string;
  readonly #store: TokenStore | null;
  /** In the order in which they are tried. */
  #tokens: readonly string[];
  #at = 0;
  #refusals = 0;

  constructor(given: string, server: string, store: TokenStore | null) {
    this.#given = given;
    this.#server = server;
    this.#store = store;
    this.#tokens = distinct([store?.load(server) ?? given, given]);
  }

  /** Whether a token that the server sends would be kept. */
  get takesTokens(): boolean {
    return this.#store !== null;
  }

  get token(): string {
    return this.#tokens[this.#at] ?? this.#given;
  }

  /** The server has let the device in with the token. */
  accepted(): void {
    this.#refusals = 0;
  }

  /** The server does not know the token. The other one is next; gives whether there is one that it has not refused as well. */
  refused(): boolean {
    this.#at = (this.#at + 1) % this.#tokens.length;
    return ++this.#refusals % this.#tokens.length !== 0;
  }

  /** Stores the token that the server has sent, and gives the answer to it. Rejects where it cannot be stored. */
  async take({ token, token_id }: TokenFrame): Promise<TokenStored> {
    if (token !== this.#tokens[0]) await this.#store?.save(this.#server, token);
    this.#tokens = distinct([token, this.#given]);
    this.#at = 0;
    this.#refusals = 0;
    return { type: "token_stored", token_id };
  }
}

function distinct(tokens: readonly string[]): string[] {
  return [...new Set(tokens)];
}
