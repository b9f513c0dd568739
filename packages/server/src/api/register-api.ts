import type { FastifyInstance } from "fastify";
import type { AnswerBudget } from "../http/answer-budget.ts";
import { serveOpenApi } from "../http/define-route.ts";
import { Answers } from "./answers/answers.ts";
import { registerAuditApi } from "./audit.ts";
import { type BackupParts, registerBackupApi } from "./backups.ts";
import { type CommandParts, registerCommandsApi } from "./commands.ts";
import { type ApiParts, registerDevicesApi } from "./devices.ts";
import { registerExportApi } from "./export.ts";
import { registerImportApi } from "./import.ts";
import { type PeopleParts, registerPeopleApi } from "./people.ts";
import { registerShareApi } from "./share-links.ts";
import { registerSignInApi } from "./sign-in.ts";
import { registerSmartOsApi, type SmartOsParts } from "./smart-os.ts";
import { registerStoreApi } from "./store.ts";
import { registerStrikesApi } from "./strikes.ts";

export interface ApiServices extends Omit<ApiParts, "answers">, BackupParts, CommandParts, PeopleParts, SmartOsParts {
  readonly budget: AnswerBudget;
}

/** `/api/v1`, all of it, and the document that describes it. */
export async function registerApi(app: FastifyInstance, services: ApiServices): Promise<void> {
  const answers = new Answers(services.store, services.budget);
  app.addHook("onClose", () => answers.close());
  await serveOpenApi(app);
  registerDevicesApi(app, { ...services, answers });
  registerSignInApi(app, services);
  registerPeopleApi(app, services);
  registerShareApi(app, services);
  registerAuditApi(app, services);
  registerCommandsApi(app, services);
  registerSmartOsApi(app, services);
  registerExportApi(app, services);
  registerImportApi(app, services);
  registerStrikesApi(app, services);
  registerStoreApi(app, services);
  registerBackupApi(app, services);
}
