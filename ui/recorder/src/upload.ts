/** Chunks on their way to the server: in their order, one at a time, again when it is worth it, within bounds. */

import { keep, parse, type Texts } from "./session";

/** A request body that is ready, and which chunk it is. */
export interface Chunk {
  readonly body: string;
  readonly session: string;
}

export interface UploadOptions {
  readonly url: string;
  readonly key: string;
  /** Where chunks that the page could not send any more wait for the next page of this tab. */
  readonly texts: Texts;
  readonly fetch: typeof fetch;
  /** 0 to 1, for the jitter. */
  readonly random: () => number;
  /** Nothing of this session is taken any more. */
  readonly refused: (session: string, status: number) => void;
  /** Chunks were left out: what follows cannot be replayed before the next full snapshot. */
  readonly lost: () => void;
}

/**
 * Bytes that all requests with `keepalive` together may have: browsers refuse more than 64 KiB, and the page's own
 * count as well. https://fetch.spec.whatwg.org/#http-network-or-cache-fetch
 */
export const KEEPALIVE_BYTES = 60_000;
/** Characters of the bodies that wait; past it the oldest go. */
const MAX_WAITING = 4_000_000;
const MAX_CARRIED = 1_000_000;
const MAX_ATTEMPTS = 12;
const MAX_BACKOFF_MS = 60_000;
const TIMEOUT_MS = 30_000;
const CARRIED = "airis.unsent";
/** Answers after which the same chunk may be taken another time. */
const AGAIN: readonly number[] = [408, 425, 429, 500, 502, 503, 504, 507];

type Outcome = "done" | "again" | "dropped";

export class Upload {
  private waiting: Chunk[] = [];
  private chars = 0;
  private attempts = 0;
  private busy = false;
  private closed = false;
  private gap = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** The chunk under way: being packed, sent, or sent so that the browser finishes it after the page is gone. */
  private current: { state: "packing" | "sent" | "safe" } | undefined;
  private alive = 0;

  constructor(private readonly options: UploadOptions) {}

  /** Take over what an earlier page of this tab left. */
  resume(): void {
    const left = parse<Chunk[]>(this.options.texts.getItem(CARRIED));
    this.options.texts.removeItem(CARRIED);
    for (const chunk of Array.isArray(left) ? left : [])
      if (typeof chunk?.body === "string" && typeof chunk.session === "string") this.add(chunk);
  }

  add(chunk: Chunk): void {
    this.waiting.push(chunk);
    this.chars += chunk.body.length;
    while (this.chars > MAX_WAITING && this.waiting.length > 1) this.leaveOut();
    if (this.timer === undefined) void this.pump();
  }

  /** The page goes: send what browsers still send, leave the rest to the next page of this tab. */
  leave(): void {
    this.wait(null);
    const sent = this.current && this.current.state !== "packing" ? 1 : 0;
    const rest = this.current?.state === "sent" ? this.waiting.slice(0, 1) : []; // may arrive twice: it counts once
    for (const chunk of this.waiting.slice(sent)) {
      const bytes = new TextEncoder().encode(chunk.body);
      // A later chunk may fit where an earlier one does not: the server sorts them by their numbers.
      if (this.alive + bytes.length <= KEEPALIVE_BYTES)
        void this.post(bytes, {}, true).catch(() => undefined);
      else rest.push(chunk);
    }
    this.waiting = [];
    this.chars = 0;
    this.current = undefined;
    let room = MAX_CARRIED;
    const carried = rest.filter(({ body }) => {
      room -= body.length;
      return room >= 0;
    });
    if (carried.length) keep(this.options.texts, CARRIED, JSON.stringify(carried));
  }

  /** Forget what belongs to a session. */
  forget(session: string): void {
    this.waiting = this.waiting.filter((chunk) => chunk.session !== session);
    this.chars = this.waiting.reduce((sum, { body }) => sum + body.length, 0);
  }

  /** Send nothing any more. */
  close(): void {
    this.closed = true;
    this.waiting = [];
    this.wait(null);
  }

  /** Pump again after some milliseconds; null for not. */
  private wait(ms: number | null): void {
    clearTimeout(this.timer);
    const again = (): void => {
      this.timer = undefined;
      void this.pump();
    };
    this.timer = ms === null ? undefined : setTimeout(again, ms);
  }

  private async pump(): Promise<void> {
    if (this.busy || this.closed) return;
    this.busy = true;
    for (let chunk = this.waiting[0]; chunk; chunk = this.waiting[0]) {
      const [outcome, after] = await this.attempt(chunk);
      if (this.waiting[0] !== chunk) continue; // the page went and came back, or the session was forgotten
      this.attempts += 1;
      if (outcome === "again" && this.attempts < MAX_ATTEMPTS) {
        this.wait(Math.max(after, this.backoff()));
        break;
      }
      this.attempts = 0;
      if (outcome === "done") this.arrived(chunk);
      else this.leaveOut();
    }
    this.busy = false;
  }

  private arrived(chunk: Chunk): void {
    this.waiting.shift();
    this.chars -= chunk.body.length;
    if (!this.gap) return;
    this.gap = false;
    this.options.lost();
  }

  private leaveOut(): void {
    const chunk = this.waiting.shift();
    this.chars -= chunk?.body.length ?? 0;
    this.gap = true;
  }

  /** Full jitter: anything up to 1, 2, 4, … 60 s. */
  private backoff(): number {
    return this.options.random() * Math.min(MAX_BACKOFF_MS, 1000 * 2 ** (this.attempts - 1));
  }

  /** One try; what became of it, and the milliseconds that the server wants us to wait. */
  private async attempt(chunk: Chunk): Promise<[Outcome, number]> {
    const current: NonNullable<typeof this.current> = { state: "packing" };
    this.current = current;
    try {
      const [body, headers] = await packed(chunk.body);
      if (this.current !== current) return ["again", 0];
      current.state = this.alive + body.byteLength <= KEEPALIVE_BYTES ? "safe" : "sent";
      const answer = await this.post(body, headers, current.state === "safe");
      if (answer.ok) return ["done", 0];
      if (AGAIN.includes(answer.status)) return ["again", seconds(answer.headers.get("retry-after")) * 1000];
      if ([401, 403, 404, 409].includes(answer.status)) this.options.refused(chunk.session, answer.status);
      return ["dropped", 0];
    } catch {
      return ["again", 0];
    } finally {
      if (this.current === current) this.current = undefined;
    }
  }

  private async post(
    body: Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
    alive: boolean,
  ): Promise<Response> {
    if (alive) this.alive += body.byteLength;
    try {
      return await this.options.fetch(this.options.url, {
        method: "POST",
        body,
        headers: {
          authorization: `Bearer ${this.options.key}`,
          "content-type": "application/json",
          ...headers,
        },
        keepalive: alive,
        credentials: "omit",
        cache: "no-store",
        signal: AbortSignal.timeout?.(TIMEOUT_MS) ?? null, // missing in browsers of before 2022
      });
    } finally {
      if (alive) this.alive -= body.byteLength;
    }
  }
}

/** The body gzipped where the browser can. */
async function packed(text: string): Promise<[Uint8Array<ArrayBuffer>, Record<string, string>]> {
  if (typeof CompressionStream === "undefined") return [new TextEncoder().encode(text), {}];
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return [new Uint8Array(await new Response(stream).arrayBuffer()), { "content-encoding": "gzip" }];
}

function seconds(header: string | null): number {
  const value = Number(header);
  return value > 0 ? Math.min(value, 600) : 0;
}
