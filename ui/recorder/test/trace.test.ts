import { expect, it } from "vitest";
import { tracedOrigins, traceIdOf, traceparent } from "../src/trace";

it("makes headers of W3C Trace Context", () => {
  const header = traceparent();
  expect(header).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(traceIdOf(header)).toBe(header.slice(3, 35));
  expect(new Set(Array.from({ length: 100 }, traceparent)).size).toBe(100);
  expect(traceIdOf("nonsense")).toBe("");
  expect(traceIdOf(null)).toBe("");
});

it("marks requests to the page's own and to allowed origins alone", () => {
  const traced = tracedOrigins("https://shop.example", [
    "https://api.shop.example/",
    "https://*.cdn.example",
  ]);
  const verdict = (url: string): boolean => traced(new URL(url));
  expect(verdict("https://shop.example/cart")).toBe(true);
  expect(verdict("https://api.shop.example/pay")).toBe(true);
  expect(verdict("https://a.b.cdn.example/x")).toBe(true);
  expect(verdict("http://shop.example/")).toBe(false);
  expect(verdict("https://shop.example:8443/")).toBe(false);
  expect(verdict("http://a.cdn.example/x")).toBe(false);
  expect(verdict("https://cdn.example/x")).toBe(false);
  expect(verdict("https://evilcdn.example/x")).toBe(false);
  expect(verdict("https://shop.example.evil.example/")).toBe(false);
});
