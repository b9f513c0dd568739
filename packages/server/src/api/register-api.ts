import type { FastifyInstance } from "fastify";
import { serveAsyncApi } from "../http/asyncapi.ts";
import { judgeRequests } from "../http/define-route.ts";
import { serveOpenApi } from "../http/openapi.ts";
import { type AlarmRulesApiParts, registerAlarmRulesApi } from "./alarm-rules.ts";
import { registerAlarmsApi } from "./alarms.ts";
import { Answers } from "./answers/answers.ts";
import { type ApiTokenParts, registerApiTokensApi } from "./api-tokens.ts";
import type { ArchiveParts } from "./archive-parts.ts";
import { registerAuditApi } from "./audit.ts";
import { registerBackupApi } from "./backups.ts";
import { registerChannelsApi } from "./channels.ts";
import { type ClaimCodeParts, registerClaimCodesApi } from "./claim-codes.ts";
import { type ClaimParts, registerClaimsApi } from "./claims.ts";
import { type CommandParts, registerCommandsApi } from "./commands.ts";
import { type ApiParts, registerDevicesApi } from "./devices.ts";
import { registerExportApi } from "./export.ts";
import { type FirstStepsParts, registerFirstStepsApi } from "./first-steps.ts";
import { registerImportApi } from "./import.ts";
import { registerCsvImportApi } from "./import-csv.ts";
import { type LiveParts, liveDevices } from "./live-devices.ts";
import { registerMaintenanceWindowsApi } from "./maintenance-windows.ts";
import { registerNotificationsApi } from "./notifications.ts";
import type { NotificationParts } from "./notify-parts.ts";
import { type PeopleParts, registerPeopleApi } from "./people.ts";
import type { RegistrationParts } from "./registration-parts.ts";
import { registerRegistrationsApi } from "./registrations.ts";
import { registerServerApi, type ServerParts } from "./server.ts";
import { registerShareApi } from "./share-links.ts";
import { registerSignInApi } from "./sign-in.ts";
import { registerSmartOsApi, type SmartOsParts } from "./smart-os.ts";
import { registerRenewalApi, registerStoreApi } from "./store.ts";
import { registerStrikesApi } from "./strikes.ts";
import { registerTicketsApi, type TicketParts } from "./tickets.ts";

export interface AdministrationServices extends ApiTokenParts, ClaimCodeParts, PeopleParts, RegistrationParts {}

export interface ApiServices
  extends Omit<ApiParts, "answers">,
    Omit<AdministrationServices, "live">,
    AlarmRulesApiParts,
    ArchiveParts,
    Omit<ClaimParts, "live">,
    CommandParts,
    FirstStepsParts,
    LiveParts,
    ServerParts,
    NotificationParts,
    SmartOsParts,
    TicketParts {
  /** Under which path everything is served. */
  readonly basePath: string;
}

/** `/api/v1`, all of it, and the documents that describe it and the doors. */
export async function registerApi(app: FastifyInstance, services: ApiServices): Promise<void> {
  const answers = new Answers(services.store, services.budget, services.clock);
  app.addHook("onClose", () => answers.close());
  judgeRequests(app);
  await serveOpenApi(app, services.basePath);
  serveAsyncApi(app, services.basePath);
  registerDevicesApi(app, { ...services, answers });
  const live = liveDevices(services);
  registerAdministration(app, { ...services, live });
  registerClaimsApi(app, { ...services, live });
  registerSignInApi(app, services);
  registerFirstStepsApi(app, services);
  registerCommandsApi(app, services);
  registerChannelsApi(app, services);
  registerNotificationsApi(app, services);
  registerMaintenanceWindowsApi(app, services);
  registerAlarmsApi(app, services);
  registerAlarmRulesApi(app, services);
  registerSmartOsApi(app, services);
  registerTicketsApi(app, services);
  registerRenewalApi(app, services);
  registerServerApi(app, services);
  registerArchive(app, services);
}

/** Who may do what, and who did what: all that needs the registrations alone, and neither a store nor anything live. */
export function registerAdministration(app: FastifyInstance, services: AdministrationServices): void {
  registerRegistrationsApi(app, services);
  registerClaimCodesApi(app, services);
  registerApiTokensApi(app, services);
  registerPeopleApi(app, services);
  registerShareApi(app, services);
  registerAuditApi(app, services);
}

/** What is kept: in, out, and looked after. */
export function registerArchive(app: FastifyInstance, services: ArchiveParts): void {
  registerExportApi(app, services);
  registerImportApi(app, services);
  registerCsvImportApi(app, services);
  registerStrikesApi(app, services);
  registerStoreApi(app, services);
  registerBackupApi(app, services);
}
