import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Payloads } from "../src/events";
import { watchNetwork } from "../src/network";

type Call = Payloads["airis.network"];

const OWN = "https://airis.example/v1/replay";
const original = window.fetch;
let said: Call[] = [];
let headers: Headers[] = [];
let status = 200;
let stop = (): void => undefined;

const page = vi.fn(async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
  headers.push(new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined)));
  if (status === 0) throw new TypeError("Failed to fetch");
  if (status < 0) throw new DOMException("given up", "AbortError");
  return new Response("{}", { status });
});

beforeEach(() => {
  said = [];
  headers = [];
  status = 200;
  window.fetch = page;
  stop = watchNetwork({
    say: (_tag, payload) => said.push(payload as Call),
    traced: (url) => url.origin === "https://shop.example",
    own: OWN,
  });
});

afterEach(() => {
  stop();
  window.fetch = original;
});

it("tells method, address, status and the trace that the request carried", async () => {
  status = 502;
  const answer = await window.fetch("https://shop.example/pay?token=abc", {
    method: "post",
    headers: { "x-own": "1" },
  });
  expect(answer.status).toBe(502);
  expect(headers[0]?.get("x-own")).toBe("1");
  const trace = /^00-([0-9a-f]{32})-[0-9a-f]{16}-01$/.exec(headers[0]?.get("traceparent") ?? "")?.[1];
  expect(trace).toBeDefined();
  expect(said).toEqual([
    {
      method: "POST",
      url: "https://shop.example/pay?token=***",
      status: 502,
      duration_ms: expect.any(Number),
      trace_id: trace,
    },
  ]);
});

it("leaves foreign origins and a trace of the page's own as they are", async () => {
  await window.fetch("https://other.example/");
  const own = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  await window.fetch(new Request("https://shop.example/", { headers: { traceparent: own } }));
  await window.fetch("https://shop.example/", { mode: "no-cors" });
  expect(headers.map((each) => each.get("traceparent"))).toEqual([null, own, null]);
  expect(said.map(({ trace_id }) => trace_id)).toEqual(["", "a".repeat(32), ""]);
});

it("tells requests without an answer, but not those that the page gave up, and the page sees its own error", async () => {
  status = 0;
  await expect(window.fetch("https://shop.example/")).rejects.toThrow("Failed to fetch");
  status = -1;
  await expect(window.fetch("https://shop.example/")).rejects.toThrow("given up");
  expect(said.map((call) => call.status)).toEqual([0]);
});

it("never tells of its own requests, passes nonsense on, and stops", async () => {
  await window.fetch(`${OWN}?x=1`, { method: "POST" });
  await window.fetch("https://[");
  const wrapper = window.fetch;
  stop();
  expect(window.fetch).toBe(page);
  await wrapper("https://shop.example/");
  expect(said).toEqual([]);
});
