import { type ComponentType, lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import { NotFoundPage } from "./frame/not-found-page.tsx";
import { Page } from "./frame/page.tsx";

/** Loads a page when it is gone to: who looks at the fleet does not wait for what the others are made of. */
function page<Props>(load: () => Promise<ComponentType<Props>>) {
  return lazy(async () => ({ default: await load() }));
}

const FleetPage = page(async () => (await import("./pages/fleet/fleet-page.tsx")).FleetPage);
const DevicePage = page(async () => (await import("./pages/devices/device-page.tsx")).DevicePage);
const FleetCommandsPage = page(
  async () => (await import("./pages/fleet-commands/fleet-commands-page.tsx")).FleetCommandsPage,
);
const NewFleetCommandPage = page(
  async () => (await import("./pages/fleet-commands/new-fleet-command-page.tsx")).NewFleetCommandPage,
);
const FleetCommandPage = page(
  async () => (await import("./pages/fleet-commands/fleet-command-page.tsx")).FleetCommandPage,
);
const AlarmsPage = page(async () => (await import("./pages/alarms/alarms-page.tsx")).AlarmsPage);
const AlarmPage = page(async () => (await import("./pages/alarms/alarm-page.tsx")).AlarmPage);
const AlarmRulesPage = page(async () => (await import("./pages/alarm-rules/alarm-rules-page.tsx")).AlarmRulesPage);
const AlarmRulePage = page(async () => (await import("./pages/alarm-rules/alarm-rule-page.tsx")).AlarmRulePage);
const EventsPage = page(async () => (await import("./pages/events/events-page.tsx")).EventsPage);
const SharePage = page(async () => (await import("./pages/share/share-page.tsx")).SharePage);
const SignInPage = page(async () => (await import("./pages/sign-in/sign-in-page.tsx")).SignInPage);
const WelcomePage = page(async () => (await import("./pages/welcome/welcome-page.tsx")).WelcomePage);
const ClaimPage = page(async () => (await import("./pages/claim/claim-page.tsx")).ClaimPage);
const PeoplePage = page(async () => (await import("./pages/people/people-page.tsx")).PeoplePage);
const AccountPage = page(async () => (await import("./pages/account/account-page.tsx")).AccountPage);
const DevicesPage = page(async () => (await import("./pages/devices/devices-page.tsx")).DevicesPage);
const DeviceSettingsPage = page(
  async () => (await import("./pages/devices/settings/settings-page.tsx")).DeviceSettingsPage,
);
const AddDevicePage = page(async () => (await import("./pages/add-device/add-device-page.tsx")).AddDevicePage);
const AddDevicesPage = page(async () => (await import("./pages/add-devices/add-devices-page.tsx")).AddDevicesPage);
const ApiTokensPage = page(async () => (await import("./pages/api-tokens/api-tokens-page.tsx")).ApiTokensPage);
const BackupsPage = page(async () => (await import("./pages/backups/backups-page.tsx")).BackupsPage);
const ExportsPage = page(async () => (await import("./pages/exports/exports-page.tsx")).ExportsPage);
const ServerPage = page(async () => (await import("./pages/server/server-page.tsx")).ServerPage);
const NotificationsPage = page(
  async () => (await import("./pages/account/notifications/notifications-page.tsx")).NotificationsPage,
);
const MaintenancePage = page(async () => (await import("./pages/maintenance/maintenance-page.tsx")).MaintenancePage);
const AuditPage = page(async () => (await import("./pages/audit/audit-page.tsx")).AuditPage);

/** The pages by address; `pages/` has the same shape. */
export function Routes() {
  return (
    <Suspense fallback={<Page waitingFor="the page" />}>
      <Switch>
        <Route path="/" component={FleetPage} />
        <Route path="/devices/:id">{({ id }) => <DevicePage key={id} deviceId={id} />}</Route>
        <Route path="/devices/:id/settings">{({ id }) => <DeviceSettingsPage key={id} deviceId={id} />}</Route>
        <Route path="/devices" component={DevicesPage} />
        <Route path="/add-device" component={AddDevicePage} />
        <Route path="/add-devices" component={AddDevicesPage} />
        <Route path="/api-tokens" component={ApiTokensPage} />
        <Route path="/backups" component={BackupsPage} />
        <Route path="/exports" component={ExportsPage} />
        <Route path="/server" component={ServerPage} />
        <Route path="/fleet-commands" component={FleetCommandsPage} />
        <Route path="/fleet-commands/new" component={NewFleetCommandPage} />
        <Route path="/fleet-commands/:id">{({ id }) => <FleetCommandPage key={id} fleetCommandId={id} />}</Route>
        <Route path="/alarms" component={AlarmsPage} />
        <Route path="/alarms/:id">{({ id }) => <AlarmPage key={id} alarmId={id} />}</Route>
        <Route path="/alarm-rules" component={AlarmRulesPage} />
        <Route path="/alarm-rules/new">
          <AlarmRulePage ruleId={null} />
        </Route>
        <Route path="/alarm-rules/:id">{({ id }) => <AlarmRulePage key={id} ruleId={id} />}</Route>
        <Route path="/events" component={EventsPage} />
        <Route path="/sign-in" component={SignInPage} />
        <Route path="/welcome" component={WelcomePage} />
        <Route path="/share" component={SharePage} />
        <Route path="/claim" component={ClaimPage} />
        <Route path="/people" component={PeoplePage} />
        <Route path="/account" component={AccountPage} />
        <Route path="/account/notifications" component={NotificationsPage} />
        <Route path="/maintenance" component={MaintenancePage} />
        <Route path="/audit" component={AuditPage} />
        <Route component={NotFoundPage} />
      </Switch>
    </Suspense>
  );
}
