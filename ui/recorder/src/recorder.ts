/** One page's recorder: what rrweb and the page say becomes chunks, under a session that may end and begin anew. */

import { record } from "@rrweb/record";
import { byHand, custom, type Event, FULL, META, type Payloads, type Tag } from "./events";
import { watchNetwork } from "./network";
import type { Options } from "./options";
import { watchConsole, watchErrors, watchPages } from "./page";
import { type Batch, LastMinute, Pending, type Written } from "./pending";
import { rrwebOptions } from "./rrweb";
import { IDLE_MS, leaveTab, type Session, Sessions, storage, type Tab, takeTab } from "./session";
import { cleanUrl, warn } from "./text";
import { tracedOrigins } from "./trace";
import { type Chunk, Upload } from "./upload";

export const TICK_MS = 5_000;
/** Characters of JSON after which a chunk is sent without waiting for the next tick. */
export const CHUNK_CHARS = 250_000;
/** An event with more is left out: the server takes 16 MiB a request. */
const MAX_EVENT_CHARS = 8_000_000;
const LAST_MINUTE_MS = 60_000;
const LAST_MINUTE_CHARS = 8_000_000;
/** Milliseconds between full snapshots: a lost chunk spoils the replay no longer than that. */
const SNAPSHOT_MS = { buffer: 30_000, full: 300_000 };
/** Characters of a chunk that is sent when the page goes: it should fit what browsers still send then. */
const LAST_CHARS = 40_000;
const HAND = ["pointerdown", "keydown", "wheel", "touchstart"] as const;

type Pause = "stopped" | "idle" | "refused";
type Reason = "interval" | "error" | "unload" | "stopped";

export class Recorder {
  private readonly sessions: Sessions;
  private readonly tabs = storage("sessionStorage");
  private readonly pending = new Pending();
  private readonly buffer = new LastMinute(LAST_MINUTE_MS, LAST_MINUTE_CHARS);
  private readonly upload: Upload;
  private readonly url: string;
  private session: Session | null = null;
  private tab: Tab = { session: "", tab: "", next: 0 };
  private stops: (() => void)[] = [];
  /** When the visitor last did something. */
  private active = 0;
  private snapshotAt = 0;
  private sinceSnapshot = 0;
  /** Why nothing is recorded: the site wants it, the visitor is away or not in the sample, the server refuses. */
  private paused: Pause | null = "stopped";
  private left: Pause | null = null;
  private told = false;

  constructor(private readonly options: Options) {
    this.url = `${options.endpoint}/v1/replay`;
    this.sessions = new Sessions(storage("localStorage"), options.sample, options.onError);
    this.upload = new Upload({
      url: this.url,
      key: options.key,
      texts: this.tabs,
      fetch: window.fetch.bind(window), // as it is before requests are watched
      random: Math.random,
      refused: (session, status) => this.refused(session, status),
      lost: () => this.snapshot(),
    });
    this.upload.resume();
    window.addEventListener("pagehide", () => this.leave());
    window.addEventListener("pageshow", (event) => event.persisted && this.comeBack());
    document.addEventListener("visibilitychange", () => document.hidden && this.flush("interval"));
    for (const name of HAND)
      window.addEventListener(name, () => this.hand(), { capture: true, passive: true });
  }

  /** The id of the session whose recording is sent; null while none is. */
  get sessionId(): string | null {
    return this.paused === null && this.session?.mode === "full" ? this.session.id : null;
  }

  /** Record, as the session's sampling says, or in any case where `full`. */
  start(full = false): void {
    if (this.paused === "refused") return;
    this.active = Date.now();
    this.session = this.sessions.update(this.sessions.open(), { last: this.active });
    if (full && this.session.mode !== "full") this.release("interval");
    if (this.paused === null) return;
    this.paused = this.session.mode === "off" ? "idle" : null;
    if (this.paused) return;
    if (this.tab.session !== this.session.id) this.tab = takeTab(this.tabs, this.session.id);
    this.watch();
  }

  /** Send what there is and record no more, until start is called or the next page comes. */
  stop(): void {
    this.pause("stopped", "stopped");
  }

  /** Name the visitor, as the site names its users; null takes the name away. */
  identify(user: string | null): void {
    const { user: _, ...rest } = this.session ?? this.sessions.open();
    this.session = this.sessions.update(rest, user === null ? {} : { user: String(user).slice(0, 200) });
  }

  /** Keep an event of our own. */
  say = <T extends Tag>(tag: T, payload: Payloads[T]): void => {
    if (this.paused === null) this.take(custom(tag, payload, Date.now()));
  };

  private watch(): void {
    const timer = setInterval(() => this.tick(), TICK_MS);
    const traced = tracedOrigins(location.origin, this.options.traceOrigins);
    this.stops = [
      () => clearInterval(timer),
      watchErrors(this.say, () => this.session?.mode === "buffer" && this.release("error")),
      watchConsole(this.say, this.options.console),
      watchNetwork({ say: this.say, traced, own: this.url }),
      watchPages(this.say),
    ];
    const stop = record<Event>({ ...rrwebOptions(this.options), emit: (event) => this.take(event) });
    if (stop) this.stops.push(stop);
  }

  private take(event: Event): void {
    if (byHand(event)) this.active = event.timestamp;
    if (isMeta(event)) event.data.href = cleanUrl(event.data.href);
    const [kept, json] = this.last(event);
    if (!kept) return;
    if (json.length > MAX_EVENT_CHARS) {
      const text = `an event of ${json.length} characters was left out`;
      this.say("airis.console", { level: "warn", text });
      return;
    }
    this.put({ json, at: kept.timestamp }, kept);
  }

  /** The event after the site's last word; none where that failed or is no JSON: nothing unseen is sent. */
  private last(event: Event): [Event | null, string] {
    try {
      const kept = this.options.beforeEvent ? this.options.beforeEvent(event) : event;
      return [kept, JSON.stringify(kept)];
    } catch (error) {
      if (!this.told) warn(`an event was left out: ${String(error)}`);
      this.told = true;
      return [null, ""];
    }
  }

  private put(written: Written, event: Event): void {
    const begins = isMeta(event);
    if (begins) this.snapshotAt = event.timestamp;
    this.sinceSnapshot = begins ? 0 : this.sinceSnapshot + 1;
    if (this.session?.mode === "buffer") {
      this.buffer.push(written, begins);
      return;
    }
    this.pending.push(written);
    // A snapshot goes at once: a page that is left after a second should still be seen.
    if (event.type === FULL || this.pending.chars >= CHUNK_CHARS) this.flush("interval");
  }

  private tick(): void {
    const now = Date.now();
    if (now - this.active >= IDLE_MS) {
      this.pause("idle", "interval");
      return;
    }
    const stored = this.sessions.read();
    if (!stored || stored.id !== this.session?.id) {
      this.change();
      return;
    }
    if (stored.mode === "full" && this.session.mode === "buffer") this.release("error"); // an error in another tab
    this.session = this.sessions.update(stored, { last: Math.max(stored.last, this.active) });
    const due = now - this.snapshotAt >= SNAPSHOT_MS[this.session.mode === "full" ? "full" : "buffer"];
    if ((due && this.sinceSnapshot > 2) || this.buffer.full) this.snapshot();
    this.flush("interval");
  }

  /** The session is over, or another tab began a new one: go on in that. */
  private change(): void {
    this.flush("interval");
    this.buffer.take();
    this.session = this.sessions.open();
    this.tab = takeTab(this.tabs, this.session.id);
    if (this.session.mode === "off") this.pause("idle", "interval");
    else this.snapshot();
  }

  private snapshot(): void {
    if (this.paused !== null) return;
    try {
      record.takeFullSnapshot(true);
    } catch {
      // rrweb has not begun: its first event will be a snapshot
    }
  }

  /** From now on everything is sent, the last minute first. */
  private release(reason: Reason): void {
    if (!this.session) return;
    this.session = this.sessions.update(this.session, { mode: "full" });
    this.pending.push(...this.buffer.take());
    this.flush(reason);
  }

  private flush(reason: Reason, limit = CHUNK_CHARS): void {
    for (let batch = this.pending.cut(limit); batch; batch = this.pending.cut(limit))
      if (this.session) this.upload.add(this.chunk(this.session, batch, reason));
  }

  private chunk(session: Session, { events }: Batch, reason: Reason): Chunk {
    const times = events.map(({ at }) => at);
    const metadata = {
      sequence: this.tab.next,
      tab: this.tab.tab,
      user: session.user,
      url: cleanUrl(location.href),
      user_agent: navigator.userAgent,
      service: this.options.service || undefined,
      release: this.options.release || undefined,
      first_ms: times.reduce((least, at) => Math.min(least, at)),
      last_ms: times.reduce((most, at) => Math.max(most, at)),
      reason,
    };
    this.tab.next += 1;
    const list = events.map(({ json }) => json).join(",");
    const body = `{"session_id":"${session.id}","events":[${list}],"metadata":${JSON.stringify(metadata)}}`;
    return { body, session: session.id };
  }

  private pause(why: Pause, reason: Reason): void {
    if (this.paused === null) {
      for (const stop of this.stops.splice(0)) stop();
      this.flush(reason, reason === "unload" ? LAST_CHARS : CHUNK_CHARS);
      this.buffer.take();
    }
    this.paused = why;
  }

  /** A visitor who comes back goes on in the session, or in a new one; one who is not recorded stays so. */
  private hand(): void {
    if (this.paused === "idle" && Date.now() - this.active >= TICK_MS) this.start();
  }

  private leave(): void {
    this.left = this.paused;
    this.pause("stopped", "unload");
    this.upload.leave();
    if (this.tab.session) leaveTab(this.tabs, this.tab);
    this.tab = { session: "", tab: "", next: 0 };
  }

  /** The browser shows the page again as it was. */
  private comeBack(): void {
    this.upload.resume();
    this.paused = this.left ?? "stopped";
    if (this.left === null || this.left === "idle") this.start();
  }

  private refused(session: string, status: number): void {
    this.upload.forget(session);
    if (session !== this.session?.id) return;
    const fresh = Date.now() - this.session.started < 60_000;
    if (status === 409 && !fresh) {
      if (this.sessions.read()?.id === session) this.sessions.renew();
      this.pending.clear();
      this.change();
      return;
    }
    this.pause("refused", "stopped");
    this.upload.close();
    warn(`recording stops: ${this.url} answered ${status}`);
  }
}

function isMeta(event: Event): event is Event & { data: { href: string } } {
  return event.type === META;
}
