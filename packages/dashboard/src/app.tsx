import { Route, Switch } from "wouter";
import { AccountPage } from "./pages/account/account-page.tsx";
import { AuditPage } from "./pages/audit/audit-page.tsx";
import { DevicePage } from "./pages/devices/device-page.tsx";
import { FleetPage } from "./pages/fleet/fleet-page.tsx";
import { NotFoundPage } from "./pages/not-found-page.tsx";
import { PeoplePage } from "./pages/people/people-page.tsx";
import { SharePage } from "./pages/share/share-page.tsx";
import { SignInPage } from "./pages/sign-in/sign-in-page.tsx";
import { WelcomePage } from "./pages/welcome/welcome-page.tsx";

/** The pages by address; `pages/` has the same shape. */
export function App() {
  return (
    <Switch>
      <Route path="/">
        <FleetPage />
      </Route>
      <Route path="/devices/:id">{({ id }) => <DevicePage key={id} deviceId={id} />}</Route>
      <Route path="/sign-in">
        <SignInPage />
      </Route>
      <Route path="/welcome">
        <WelcomePage />
      </Route>
      <Route path="/share">
        <SharePage />
      </Route>
      <Route path="/people">
        <PeoplePage />
      </Route>
      <Route path="/account">
        <AccountPage />
      </Route>
      <Route path="/audit">
        <AuditPage />
      </Route>
      <Route>
        <NotFoundPage />
      </Route>
    </Switch>
  );
}
