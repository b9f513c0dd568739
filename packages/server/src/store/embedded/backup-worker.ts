import { DatabaseSync } from "node:sqlite";
import { workerData } from "node:worker_threads";

/** Copies a database that is in use, as it is at one moment, and without its free pages. */
const { from, to } = workerData as { readonly from: string; readonly to: string };
const database = new DatabaseSync(from, { readOnly: true });
database.prepare("VACUUM INTO ?").run(to);
database.close();
