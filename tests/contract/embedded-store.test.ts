import { mkdirSync } from "node:fs";
import { EmbeddedStore, loadConfig, storeLimits } from "wattboard";
import { storeContract } from "./store.contract.ts";

const { config } = loadConfig({ flags: {}, env: {}, file: undefined });

storeContract("the embedded store", {
  async open(folder) {
    mkdirSync(folder, { recursive: true });
    return await EmbeddedStore.open(folder, storeLimits(config));
  },
  settle: (store) => (store as EmbeddedStore).compactAll(),
});
