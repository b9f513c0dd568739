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
const SharePage = page(async () => (await import("./pages/share/share-page.tsx")).SharePage);
const SignInPage = page(async () => (await import("./pages/sign-in/sign-in-page.tsx")).SignInPage);
const WelcomePage = page(async () => (await import("./pages/welcome/welcome-page.tsx")).WelcomePage);
const PeoplePage = page(async () => (await import("./pages/people/people-page.tsx")).PeoplePage);
const AccountPage = page(async () => (await import("./pages/account/account-page.tsx")).AccountPage);
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
        <Route path="/fleet-commands" component={FleetCommandsPage} />
        <Route path="/fleet-commands/new" component={NewFleetCommandPage} />
        <Route path="/fleet-commands/:id">{({ id }) => <FleetCommandPage key={id} fleetCommandId={id} />}</Route>
        <Route path="/sign-in" component={SignInPage} />
        <Route path="/welcome" component={WelcomePage} />
        <Route path="/share" component={SharePage} />
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
