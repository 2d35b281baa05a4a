import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Chunk, KEEPALIVE_BYTES, Upload } from "../src/upload";

interface Sent {
  body: string;
  alive: boolean;
}

let sent: Sent[] = [];
let answers: (number | "fails" | "hangs")[] = [];
let retryAfter = "";
const refused = vi.fn();
const lost = vi.fn();

const chunk = (body: string, session = "s1"): Chunk => ({ body, session });

async function server(_: unknown, init?: RequestInit): Promise<Response> {
  const bytes = init?.body as Uint8Array<ArrayBuffer>;
  const gzip = new Headers(init?.headers).get("content-encoding") === "gzip";
  const stream = new Blob([bytes]).stream();
  const plain = gzip ? stream.pipeThrough(new DecompressionStream("gzip")) : stream;
  sent.push({ body: await new Response(plain).text(), alive: init?.keepalive ?? false });
  const status = answers.shift() ?? 202;
  if (status === "fails") throw new TypeError("Failed to fetch");
  if (status === "hangs") return new Promise(() => undefined);
  return new Response(null, { status, headers: retryAfter ? { "retry-after": retryAfter } : {} });
}

const upload = (): Upload =>
  new Upload({
    url: "https://a.example/v1/replay",
    key: "k",
    texts: sessionStorage,
    fetch: server,
    random: () => 0.5,
    refused,
    lost,
  });

/** Streams compress in threads of their own, which a busy machine lets wait. */
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 30_000 });

const bodies = (): string[] => sent.map(({ body }) => body);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  sent = [];
  answers = [];
  retryAfter = "";
  sessionStorage.clear();
  refused.mockReset();
  lost.mockReset();
});

afterEach(() => void vi.useRealTimers());

it("sends chunks in their order, gzipped, one at a time", async () => {
  const sender = upload();
  for (const body of ["a", "b", "c"]) sender.add(chunk(body));
  await until(() => expect(bodies()).toEqual(["a", "b", "c"]));
  expect(sent.every(({ alive }) => alive)).toBe(true);
});

it("sends the same chunk again after a while, no sooner than the server says", async () => {
  answers = [503];
  retryAfter = "7";
  const sender = upload();
  sender.add(chunk("a"));
  sender.add(chunk("b"));
  await until(() => expect(vi.getTimerCount()).toBe(1));
  vi.advanceTimersByTime(6_900);
  expect(bodies()).toEqual(["a"]);
  vi.advanceTimersByTime(200);
  await until(() => expect(bodies()).toEqual(["a", "a", "b"]));
});

it("gives a chunk up after a dozen failures, and asks for a snapshot once one arrives", async () => {
  answers = Array.from({ length: 12 }, () => "fails" as const);
  const sender = upload();
  sender.add(chunk("a"));
  sender.add(chunk("b"));
  for (let tries = 1; tries < 12; tries += 1) {
    await until(() => expect(vi.getTimerCount()).toBe(1));
    expect(lost).not.toHaveBeenCalled();
    vi.advanceTimersByTime(60_000);
  }
  await until(() => expect(lost).toHaveBeenCalledOnce());
  expect(bodies().filter((body) => body === "a")).toHaveLength(12);
  expect(bodies().at(-1)).toBe("b");
});

it.each([401, 403, 404, 409])("says that the session is refused: %d", async (status) => {
  answers = [status];
  const sender = upload();
  sender.add(chunk("a", "s9"));
  await until(() => expect(refused).toHaveBeenCalledWith("s9", status));
});

it("leaves out what the server cannot take, and goes on", async () => {
  answers = [413];
  const sender = upload();
  sender.add(chunk("a"));
  sender.add(chunk("b"));
  await until(() => expect(bodies()).toEqual(["a", "b"]));
  expect(refused).not.toHaveBeenCalled();
});

it("holds a bounded number of characters while the server is away: the oldest go", async () => {
  answers = ["hangs"];
  const sender = upload();
  const large = "x".repeat(1_500_000);
  for (const name of ["a", "b", "c", "d"]) sender.add(chunk(name + large));
  sender.leave();
  const left = JSON.parse(sessionStorage.getItem("airis.unsent") ?? "[]") as Chunk[];
  expect(left).toEqual([]); // each is larger than what a tab may carry
  sender.add(chunk("e"));
  await until(() => expect(bodies()).toContain("e"));
});

it("sends what fits when the page goes, and leaves the rest to the tab's next page", async () => {
  answers = ["hangs"];
  const sender = upload();
  // Random letters: what is under way does not fit when it is packed either.
  const noise = Array.from(crypto.getRandomValues(new Uint8Array(60_000)), (value) =>
    value.toString(36),
  ).join("");
  sender.add(chunk(noise));
  await until(() => expect(sent).toHaveLength(1));
  expect(sent[0]?.alive).toBe(false);
  sender.add(chunk("x".repeat(KEEPALIVE_BYTES - 100)));
  sender.add(chunk("y".repeat(200)));
  sender.add(chunk("z".repeat(50)));
  sender.leave();
  await until(() => expect(sent).toHaveLength(3));
  expect(sent.slice(1).every(({ alive }) => alive)).toBe(true);

  const next = upload();
  next.resume();
  await until(() => expect(sent).toHaveLength(5));
  expect(bodies().slice(3)).toEqual([noise, "y".repeat(200)]);
  expect(sessionStorage.getItem("airis.unsent")).toBeNull();
});

it("forgets a session and closes", async () => {
  answers = ["fails"];
  const sender = upload();
  sender.add(chunk("a", "s1"));
  sender.add(chunk("b", "s2"));
  await until(() => expect(vi.getTimerCount()).toBe(1));
  sender.forget("s1");
  vi.advanceTimersByTime(60_000);
  await until(() => expect(bodies()).toEqual(["a", "b"]));
  sender.close();
  expect(vi.getTimerCount()).toBe(0);
});
