// @vitest-environment happy-dom
import { focusManager, notifyManager, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, test } from "vitest";
import { queryClient } from "./query-client.ts";
import { RequestFailed } from "./request.ts";
import { type PollOptions, usePolled } from "./use-polled.ts";

// What changes is rendered within `act`, and not some time after it.
notifyManager.setScheduler(queueMicrotask);

afterEach(() => {
  cleanup();
  focusManager.setFocused(undefined);
  queryClient.clear();
});

/** Questions that wait until they are answered here. */
function questions() {
  const open: { path: string; answer: (body: string) => void; fail: (status: number) => void }[] = [];
  const ask = (path: string) =>
    new Promise<string>((resolve, reject) => {
      open.push({
        path,
        answer: resolve,
        fail: (status) => reject(new RequestFailed(status, `failed with ${status}`)),
      });
    });
  return { open, ask };
}

function poll(path: string | null, options: Partial<PollOptions<string>>) {
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
  );
  const given = { everyMs: 3_600_000, ...options };
  return renderHook(({ at }) => usePolled<string>(at, given), { wrapper, initialProps: { at: path } });
}

const askAgain = () => act(async () => void queryClient.invalidateQueries());

test("a body stays while later requests fail, and the failure goes with the next good answer", async () => {
  const { open, ask } = questions();
  const { result } = poll("/a", { ask });
  expect(result.current).toEqual({ body: null, failure: null, isLate: false });
  open[0]?.answer("first");
  await waitFor(() => expect(result.current.body).toBe("first"));
  await askAgain();
  open[1]?.fail(503);
  await waitFor(() => expect(result.current.failure?.status).toBe(503));
  expect(result.current.body).toBe("first");
  await askAgain();
  open[2]?.answer("second");
  await waitFor(() => expect(result.current).toEqual({ body: "second", failure: null, isLate: false }));
});

test("why a question failed that was never answered is still told while it is asked again", async () => {
  const { open, ask } = questions();
  const { result } = poll("/a", { ask });
  open[0]?.fail(401);
  await waitFor(() => expect(result.current.failure?.isRefused).toBe(true));
  await askAgain();
  expect(open).toHaveLength(2);
  expect(result.current.failure?.isRefused).toBe(true);
  open[1]?.answer("let in");
  await waitFor(() => expect(result.current).toEqual({ body: "let in", failure: null, isLate: false }));
});

test("a failure is of its path alone, and so is a body, save where the one before is to be kept", async () => {
  const { open, ask } = questions();
  const fresh = poll("/a", { ask });
  open[0]?.fail(404);
  await waitFor(() => expect(fresh.result.current.failure?.status).toBe(404));
  fresh.rerender({ at: "/b" });
  expect(fresh.result.current).toEqual({ body: null, failure: null, isLate: false });

  const keeping = poll("/c", { ask, keepsBefore: true });
  open.at(-1)?.answer("of c");
  await waitFor(() => expect(keeping.result.current.body).toBe("of c"));
  keeping.rerender({ at: "/d" });
  expect(keeping.result.current).toEqual({ body: "of c", failure: null, isLate: true });
});

test("no path asks for nothing", () => {
  const { open, ask } = questions();
  expect(poll(null, { ask }).result.current).toEqual({ body: null, failure: null, isLate: false });
  expect(open).toEqual([]);
});

test("what the tab tells is asked for while nobody looks, and what is only to be looked at is not", async () => {
  focusManager.setFocused(false);
  const asked: string[] = [];
  const ask = async (path: string) => {
    asked.push(path);
    return path;
  };
  poll("/looked-at", { ask, everyMs: 5 });
  poll("/told", { ask, everyMs: 5, inBackground: true });
  await waitFor(() => expect(asked.filter((path) => path === "/told").length).toBeGreaterThan(5));
  expect(asked.filter((path) => path === "/looked-at")).toEqual(["/looked-at"]);
});
