import { afterAll, expect, test } from "vitest";
import { chromiumPath, closeBrowser, openPage } from "../support/browser.ts";
import { needs } from "../support/needs.ts";
import { startServer } from "../support/start-server.ts";

needs("chromium", chromiumPath !== null)("the page of the API, in Chromium under the strict policy", () => {
  afterAll(closeBrowser);

  test("lists every route from this server alone, and opens one with its parameters and answers", async () => {
    const server = await startServer();
    const page = await openPage("about:blank");
    const foreign: string[] = [];
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(server.url) && !url.startsWith("data:")) foreign.push(url);
    });
    await page.goto(`${server.url}/api/v1/docs/`);
    await page.getByText("Points over time, for charts").click();
    await page.getByText("Buckets, at most.").first().waitFor();
    expect(await page.locator(".opblock").count()).toBeGreaterThan(45);
    expect(foreign).toEqual([]);
    expect(page.complaints).toEqual([]);
  });
});
