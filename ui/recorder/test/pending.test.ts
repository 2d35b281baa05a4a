import { expect, it } from "vitest";
import { LastMinute, Pending, type Written } from "../src/pending";

const event = (at: number, chars = 10): Written => ({ json: "x".repeat(chars), at });

it("cuts chunks of a size, whole events, at least one", () => {
  const pending = new Pending();
  pending.push(event(1), event(2), event(3, 500), event(4));
  expect(pending.cut(25)?.events.map(({ at }) => at)).toEqual([1, 2]);
  expect(pending.cut(25)?.events.map(({ at }) => at)).toEqual([3]);
  expect(pending.chars).toBe(11);
  expect(pending.cut(25)?.events.map(({ at }) => at)).toEqual([4]);
  expect(pending.cut(25)).toBeNull();
  expect(pending.chars).toBe(0);
});

it("keeps at least the last minute, beginning with a snapshot", () => {
  const buffer = new LastMinute(60_000, 1_000_000);
  for (let at = 0; at <= 300_000; at += 1_000) buffer.push(event(at), at % 30_000 === 0);
  const times = buffer.take().map(({ at }) => at);
  expect(times[0]).toBe(240_000);
  expect(times.at(-1)).toBe(300_000);
  expect(buffer.take()).toEqual([]);
});

it("gives up older segments sooner when they are too large, and says when one is", () => {
  const buffer = new LastMinute(60_000, 1_000);
  buffer.push(event(0, 800), true);
  buffer.push(event(1, 800), true);
  expect(buffer.chars).toBe(800);
  expect(buffer.full).toBe(false);
  buffer.push(event(2, 800), false);
  expect(buffer.full).toBe(true);
  buffer.push(event(3, 800), true);
  expect(buffer.take().map(({ at }) => at)).toEqual([3]);
});
