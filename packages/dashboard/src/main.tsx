import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api/query-client.ts";
import { BrokenPage } from "./frame/broken-page.tsx";
import { Routes } from "./routes.tsx";
import { ErrorBoundary } from "./ui/error-boundary.tsx";
import "./ui/tokens.css";
import "./ui/base.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root.");
createRoot(root).render(
  <StrictMode>
    <ErrorBoundary fallback={(error) => <BrokenPage error={error} />}>
      <QueryClientProvider client={queryClient}>
        <Routes />
      </QueryClientProvider>
    </ErrorBoundary>
  </StrictMode>,
);
