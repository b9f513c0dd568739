import { Link } from "wouter";
import { pagePaths } from "../paths.ts";
import { Notice } from "../ui/notice.tsx";
import { Page } from "./page.tsx";

export function NotFoundPage() {
  return (
    <Page title="No such page" heading="No such page">
      <Notice tone="info" title="There is no page at this address.">
        <p>
          <Link href={pagePaths.fleet}>Go to the fleet</Link>
        </p>
      </Notice>
    </Page>
  );
}
