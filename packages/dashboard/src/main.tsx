import { QueryClientProvider } from "@tanstack/react-query";
import { WattboardProvider } from "@wattboard/client/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { queryClient } from "./api/query-client.ts";
import { BrokenPage } from "./frame/broken-page.tsx";
import { basePath, serverUrl } from "./paths.ts";
import { Routes } from "./routes.tsx";
import { ErrorBoundary } from "./ui/error-boundary.tsx";
import "./ui/tokens.css";
import "./ui/base.css";

// Whoever asks the server itself, and not the proxy, may have come without the base path.
if (!`${location.pathname}/`.startsWith(`${basePath}/`)) {
  history.replaceState(history.state, "", basePath + location.pathname + location.search + location.hash);
}

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root.");
createRoot(root).render(
  <StrictMode>
    <ErrorBoundary fallback={(error) => <BrokenPage error={error} />}>
      <QueryClientProvider client={queryClient}>
        <WattboardProvider url={serverUrl}>
          <Router base={basePath}>
            <Routes />
          </Router>
        </WattboardProvider>
      </QueryClientProvider>
    </ErrorBoundary>
  </StrictMode>,
);
