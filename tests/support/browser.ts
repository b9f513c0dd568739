import { spawnSync } from "node:child_process";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { inTime } from "./eventually.ts";

/** Where Debian's Chromium is, or null. */
export const chromiumPath: string | null =
  spawnSync("which", ["chromium"], { encoding: "utf8" }).stdout?.trim() || null;

let browser: Promise<Browser> | null = null;

/** One browser for a test file; call `closeBrowser` when the file is done. */
function launch(): Promise<Browser> {
  browser ??= chromium.launch({
    executablePath: chromiumPath ?? "chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  });
  return browser;
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = null;
}

export interface TestPage extends Page {
  /** What the page complained of: console errors and exceptions. */
  readonly complaints: string[];
}

/** A page of its own, closed with the test. */
export async function openPage(url: string, options: BrowserContextOptions = {}): Promise<TestPage> {
  const context = await (await launch()).newContext({ viewport: { width: 1440, height: 900 }, ...options });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(inTime(15_000));
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(url);
  return Object.assign(page, { complaints });
}
