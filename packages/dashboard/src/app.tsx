import { Route, Switch } from "wouter";
import { DevicePage } from "./pages/devices/device-page.tsx";
import { FleetPage } from "./pages/fleet/fleet-page.tsx";
import { NotFoundPage } from "./pages/not-found-page.tsx";

/** The pages by address; `pages/` has the same shape. */
export function App() {
  return (
    <Switch>
      <Route path="/">
        <FleetPage />
      </Route>
      <Route path="/devices/:id">{({ id }) => <DevicePage key={id} deviceId={id} />}</Route>
      <Route>
        <NotFoundPage />
      </Route>
    </Switch>
  );
}
