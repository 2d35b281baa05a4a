import { afterAll, afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Options, readOptions } from "../src/options";
import { Recorder, TICK_MS } from "../src/recorder";
import { IDLE_MS, LONGEST_MS } from "../src/session";

interface Body {
  session_id: string;
  events: { type: number; data: { tag?: string; href?: string; payload?: { message: string } } }[];
  metadata: {
    sequence: number;
    tab: string;
    reason: string;
    user?: string;
    first_ms: number;
    last_ms: number;
  };
}

// Before rrweb is loaded, which keeps the clock that it finds.
vi.hoisted(() => vi.useFakeTimers({ now: 1_765_000_000_000 }));

const original = window.fetch;
let bodies: Body[] = [];
let status = 202;
let full = "";
let recorder: Recorder;

/** What a server would see; the DOM of these tests has no streams between its own Blob and Node's. */
async function server(_: unknown, init?: RequestInit): Promise<Response> {
  const body = JSON.parse(new TextDecoder().decode(init?.body as Uint8Array)) as Body;
  bodies.push(body);
  return new Response(null, { status: body.session_id === full ? 409 : status });
}

function started(over: Partial<Options> = {}): Recorder {
  recorder = new Recorder(readOptions({ key: "k" }, "https://airis.example/recorder.js", over));
  recorder.start();
  return recorder;
}

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const ticks = (count: number): Promise<unknown> => vi.advanceTimersByTimeAsync(count * TICK_MS);
const types = (body: Body | undefined): number[] => body?.events.map(({ type }) => type) ?? [];
const fail = (message: string): boolean => window.dispatchEvent(new ErrorEvent("error", { message }));
const hand = (): boolean => window.dispatchEvent(new Event("pointerdown"));

/** A visitor who moves all the time. */
async function busy(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += IDLE_MS / 3) {
    document.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: 1, clientY: 1 }));
    document.body.click();
    await vi.advanceTimersByTimeAsync(IDLE_MS / 3);
  }
}

beforeEach(() => {
  vi.stubGlobal("CompressionStream", undefined);
  window.fetch = server;
  bodies = [];
  status = 202;
  full = "";
  localStorage.clear();
  sessionStorage.clear();
  document.body.innerHTML = "<p>장바구니</p>";
});

afterEach(() => {
  recorder.stop();
  window.dispatchEvent(new Event("pagehide"));
  window.fetch = original;
  vi.unstubAllGlobals();
  vi.clearAllTimers();
});

afterAll(() => void vi.useRealTimers());

it("sends the snapshot at once and the rest every five seconds, under one session", async () => {
  const { sessionId } = started();
  await settled();
  expect(types(bodies[0])).toEqual([4, 2]);
  recorder.identify("u-17");
  recorder.say("airis.event", { name: "coupon refused", attributes: { code: 7 } });
  await ticks(1);
  expect(bodies.map(({ metadata }) => metadata.sequence)).toEqual([0, 1]);
  expect(new Set(bodies.map(({ metadata }) => metadata.tab)).size).toBe(1);
  expect(bodies.every(({ session_id }) => session_id === sessionId)).toBe(true);
  expect(bodies[1]?.metadata).toMatchObject({ user: "u-17", reason: "interval" });
  await ticks(3);
  expect(bodies).toHaveLength(2); // nothing happened
});

it("keeps the last minute until an error comes, and then sends everything", async () => {
  started({ sample: 0, onError: 1 });
  expect(recorder.sessionId).toBeNull();
  for (let tick = 0; tick < 60; tick += 1) {
    for (const name of ["a", "b", "c"]) recorder.say("airis.event", { name, attributes: {} });
    await ticks(1);
  }
  expect(bodies).toEqual([]);
  fail("null has no total");
  await settled();
  expect(bodies).toHaveLength(1);
  const [sent] = bodies;
  expect(types(sent).slice(0, 2)).toEqual([4, 2]);
  expect(sent?.events.at(-1)?.data.payload?.message).toBe("null has no total");
  expect(sent?.metadata.reason).toBe("error");
  const kept = (sent?.metadata.last_ms ?? 0) - (sent?.metadata.first_ms ?? 0);
  expect(kept).toBeGreaterThanOrEqual(60_000);
  expect(kept).toBeLessThanOrEqual(100_000);
  expect(recorder.sessionId).toBe(sent?.session_id);
  recorder.say("airis.event", { name: "after", attributes: {} });
  await ticks(1);
  expect(bodies).toHaveLength(2);
});

it("does nothing at all in a session that is not in the sample, unless the site wants it", async () => {
  started({ sample: 0, onError: 0 });
  fail("nobody hears it");
  await ticks(3);
  expect(bodies).toEqual([]);
  expect(window.fetch).toBe(server);
  recorder.start(true);
  await settled();
  expect(bodies).toHaveLength(1);
});

it("stops while the visitor is away, and begins a new session when he is back", async () => {
  const first = started().sessionId;
  await vi.advanceTimersByTimeAsync(IDLE_MS + TICK_MS);
  const count = bodies.length;
  expect(recorder.sessionId).toBeNull();
  fail("while away");
  await ticks(3);
  expect(bodies).toHaveLength(count);
  hand();
  await settled();
  expect(recorder.sessionId).not.toBe(first);
  expect(bodies.at(-1)).toMatchObject({ session_id: recorder.sessionId, metadata: { sequence: 0 } });
  expect(types(bodies.at(-1))).toEqual([4, 2]);
});

it("begins a new session after an hour, with a snapshot of its own", async () => {
  const first = started().sessionId;
  await busy(LONGEST_MS + IDLE_MS / 3);
  expect(recorder.sessionId).not.toBe(first);
  const second = bodies.filter(({ session_id }) => session_id === recorder.sessionId);
  expect(second[0]?.metadata.sequence).toBe(0);
  expect(types(second[0]).slice(0, 2)).toEqual([4, 2]);
});

it("begins anew when the server takes no more of a session, and stops when it takes nothing", async () => {
  const first = started().sessionId;
  await settled();
  await vi.advanceTimersByTimeAsync(120_000);
  full = first ?? "";
  recorder.say("airis.event", { name: "too much", attributes: {} });
  await ticks(2);
  expect(recorder.sessionId).not.toBe(first);
  expect(recorder.sessionId).not.toBeNull();

  const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  status = 403;
  recorder.say("airis.event", { name: "revoked", attributes: {} });
  await ticks(1);
  expect(recorder.sessionId).toBeNull();
  expect(warned).toHaveBeenCalledWith(
    "airis recorder: recording stops: https://airis.example/v1/replay answered 403",
  );
  warned.mockRestore();
});

it("goes on in the tab's next page, with the numbers that follow", async () => {
  const first = started().sessionId;
  await settled();
  recorder.say("airis.event", { name: "last words", attributes: {} });
  window.dispatchEvent(new Event("pagehide"));
  await settled();
  expect(bodies.at(-1)?.metadata).toMatchObject({ sequence: 1, reason: "unload" });
  started();
  await settled();
  expect(recorder.sessionId).toBe(first);
  expect(bodies.at(-1)?.metadata).toMatchObject({ sequence: 2, tab: bodies[0]?.metadata.tab });
});

it("lets the site change or leave out events", async () => {
  started({ beforeEvent: (event) => (event.type === 5 ? null : event) });
  recorder.say("airis.event", { name: "private", attributes: {} });
  await ticks(1);
  expect(bodies.flatMap(types)).not.toContain(5);
});

it("leaves out what the site's function fails at or what is no JSON, says so once, and the page goes on", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  started({
    beforeEvent: (event) => {
      if (event.type === 4) throw new Error("oops");
      return event;
    },
  });
  const ring: Record<string, unknown> = {};
  ring.self = ring;
  recorder.say("airis.event", { name: "ring", attributes: ring });
  await ticks(1);
  expect(bodies.flatMap(types)).toEqual([5, 2]); // the warning is a console call as any other
  expect(warned.mock.calls.flat().filter((text) => String(text).includes("was left out"))).toHaveLength(1);
  warned.mockRestore();
});
