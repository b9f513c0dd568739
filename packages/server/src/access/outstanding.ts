import type { OutstandingItem } from "@wattboard/protocol";
import { isSameRequester, type Requester } from "../base/requester.ts";
import type { ApiTokens } from "./api-tokens.ts";
import type { OneTimeLinks } from "./one-time-links.ts";
import type { Requesters } from "./requesters.ts";
import type { ShareLinks } from "./share-links.ts";

/** One thing that goes on after the request by which somebody set it going. */
export interface OutstandingThing {
  readonly item: OutstandingItem;
  readonly requester: Requester;
  /** Whether they still may. */
  readonly isAllowed: boolean;
  end(): void;
}

/** What there is of one or more kinds. */
export type OutstandingSource = () => Iterable<OutstandingThing>;

/** What people and tokens have set going and what goes on without them. */
export class Outstanding {
  readonly #sources: readonly OutstandingSource[];

  constructor(sources: readonly OutstandingSource[]) {
    this.#sources = sources;
  }

  /** What rests on somebody, and on the tokens that they made: what ends with them. */
  of(requester: Requester): OutstandingItem[] {
    const things = this.#things();
    const due: Requester[] = [requester];
    const found = new Set<OutstandingItem>();
    for (let one = due.pop(); one !== undefined; one = due.pop()) {
      for (const { item, requester: by, token } of things) {
        if (found.has(item) || !isSameRequester(by, one)) continue;
        found.add(item);
        if (token !== null) due.push(token);
      }
    }
    return [...found];
  }

  /** Ends what rests on somebody who may not do it any more; gives what that was. */
  endRefused(): OutstandingItem[] {
    const ended: OutstandingItem[] = [];
    // A token that ends takes with it what it has made itself.
    for (;;) {
      const refused = this.#things().filter(({ isAllowed }) => !isAllowed);
      if (refused.length === 0) return ended;
      for (const thing of refused) {
        thing.end();
        ended.push(thing.item);
      }
    }
  }

  #things(): (OutstandingThing & { readonly token: Requester | null })[] {
    return this.#sources.flatMap((source) =>
      [...source()].map((thing) => ({
        ...thing,
        token: thing.item.kind === "api_token" ? { kind: "token", name: thing.item.id, sinceMs: null } : null,
      })),
    );
  }
}

/** Share links, API tokens and one-time links. */
export function outstandingAccess({
  apiTokens,
  oneTimeLinks,
  requesters,
  shareLinks,
}: {
  readonly apiTokens: ApiTokens;
  readonly oneTimeLinks: OneTimeLinks;
  readonly requesters: Requesters;
  readonly shareLinks: ShareLinks;
}): OutstandingSource {
  return function* () {
    for (const { shareId, deviceId, label, madeBy } of shareLinks.all()) {
      yield {
        item: { kind: "share_link", id: shareId, device_id: deviceId, about: label },
        requester: madeBy,
        isAllowed: requesters.mayCommand(madeBy, deviceId),
        end: () => void shareLinks.revoke(deviceId, shareId),
      };
    }
    for (const { name, role, madeBy } of apiTokens.list()) {
      if (madeBy === null) continue;
      yield {
        item: { kind: "api_token", id: name, device_id: null, about: role },
        requester: madeBy,
        isAllowed: requesters.mayAdminister(madeBy),
        end: () => void apiTokens.remove(name),
      };
    }
    for (const { key, kind, person, madeBy } of oneTimeLinks.list()) {
      yield {
        item: { kind: "one_time_link", id: kind, device_id: null, about: person ?? "" },
        requester: madeBy,
        isAllowed: requesters.mayAdminister(madeBy),
        end: () => oneTimeLinks.void(key),
      };
    }
  };
}
