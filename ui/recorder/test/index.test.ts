import { afterEach, beforeEach, expect, it, vi } from "vitest";

/** The script as a page runs it: with its tag, each time anew. */
async function run(data: Record<string, string>): Promise<void> {
  const script = document.createElement("script");
  Object.assign(script.dataset, data);
  vi.spyOn(document, "currentScript", "get").mockReturnValue(script);
  vi.resetModules();
  await import("../src/index");
}

beforeEach(() => {
  delete window.airis;
  localStorage.clear();
});

afterEach(() => {
  window.airis?.stop();
  vi.restoreAllMocks();
});

const TAG = { key: "k", endpoint: "https://airis.example", sample: "0", onError: "0" };

it("leaves window.airis behind, once", async () => {
  await run(TAG);
  const first = window.airis;
  expect(Object.keys(first ?? {}).sort()).toEqual(["event", "identify", "sessionId", "start", "stop"]);
  expect(first?.sessionId).toBeNull();
  await run(TAG);
  expect(window.airis).toBe(first);
});

it("waits for the site's consent where the tag says so", async () => {
  await run({ ...TAG, sample: "1", autostart: "false" });
  expect(localStorage.getItem("airis.session")).toBeNull();
  expect(window.airis?.sessionId).toBeNull();
});

it("says in one line what is wrong with the tag", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  await run({ ...TAG, sample: "often" });
  expect(window.airis).toBeUndefined();
  expect(warned.mock.calls).toEqual([
    ['airis recorder: data-sample must be a number from 0 to 1, not "often"'],
  ]);
});

it("leaves a frame to the page around it", async () => {
  const around = { airis: {} } as unknown as Window;
  vi.spyOn(window, "parent", "get").mockReturnValue(around as Window & typeof globalThis);
  await run(TAG);
  expect(window.airis).toBeUndefined();
});
