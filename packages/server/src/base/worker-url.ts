/**
 * The address of a worker's file beside the caller's: `.ts` where Node runs the sources, `.js` where it runs the build.
 * `new Worker(workerUrl(import.meta.url, "./journal-worker"))`
 */
export function workerUrl(importerUrl: string, path: string): URL {
  return new URL(`${path}${importerUrl.endsWith(".ts") ? ".ts" : ".js"}`, importerUrl);
}
