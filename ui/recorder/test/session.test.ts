import { beforeEach, expect, it } from "vitest";
import { IDLE_MS, LONGEST_MS, leaveTab, Sessions, takeTab } from "../src/session";

let now = 1_765_000_000_000;
const sessions = (sample = 1, onError = 0, random = () => 0.5): Sessions =>
  new Sessions(localStorage, sample, onError, () => now, random);

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});

it("goes on over pages and tabs", () => {
  const first = sessions().open();
  expect(first.id).toMatch(/^[0-9a-f]{32}$/);
  expect(sessions().open()).toEqual(first);
});

it("ends after 15 minutes without activity", () => {
  const first = sessions().open();
  now += IDLE_MS - 1;
  const later = sessions().update(first, { last: now });
  now += IDLE_MS - 1;
  expect(sessions().read()?.id).toBe(later.id);
  now += 1;
  expect(sessions().read()).toBeNull();
  expect(sessions().open().id).not.toBe(first.id);
});

it("ends after an hour, and the visitor keeps the name", () => {
  const all = sessions();
  let session = all.update(all.open(), { user: "u-17" });
  for (let passed = 0; passed < LONGEST_MS; passed += IDLE_MS / 3) {
    expect(all.read()?.id).toBe(session.id);
    now += IDLE_MS / 3;
    session = all.update(session, { last: now });
  }
  expect(all.read()).toBeNull();
  expect(all.open()).toMatchObject({ user: "u-17", started: now });
});

it.each([
  [0.6, 0, "full"],
  [0.5, 0.6, "buffer"],
  [0.5, 0.5, "off"],
  [0, 0, "off"],
])("is drawn once: sample %f, on error %f: %s", (sample, onError, mode) => {
  expect(sessions(sample, onError).open().mode).toBe(mode);
  expect(sessions(1, 1).open().mode).toBe(mode);
});

it.each(["nonsense", "[]", '{"id":"../x"}', "null", '{"id":7}'])(
  "replaces what is no session: %s",
  (text) => {
    localStorage.setItem("airis.session", text);
    expect(sessions().open().started).toBe(now);
  },
);

it("numbers a tab's chunks on over its pages, and never twice in a duplicated tab", () => {
  const tab = takeTab(sessionStorage, "s1");
  tab.next = 4;
  leaveTab(sessionStorage, tab);
  expect(takeTab(sessionStorage, "s1")).toEqual(tab);
  expect(takeTab(sessionStorage, "s1")).toMatchObject({ session: "s1", next: 0 }); // the copy of a live tab's storage
  leaveTab(sessionStorage, tab);
  expect(takeTab(sessionStorage, "s2")).toMatchObject({ session: "s2", next: 0 });
});
