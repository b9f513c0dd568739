import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { BrokenPage } from "./pages/broken-page.tsx";
import { ErrorBoundary } from "./ui/error-boundary.tsx";
import "./style.css";
import "./style-forms.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root.");
createRoot(root).render(
  <StrictMode>
    <ErrorBoundary fallback={(error) => <BrokenPage error={error} />}>
      <App />
    </ErrorBoundary>
  </StrictMode>,
);
