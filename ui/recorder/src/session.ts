/** Which session and tab this page belongs to. A session spans the pages and tabs of one origin. */

import { hex } from "./ids";

export const IDLE_MS = 15 * 60_000;
export const LONGEST_MS = 60 * 60_000;

const SESSION = "airis.session";
const TAB = "airis.tab";

/** Recorded from the beginning; kept in memory until an error comes; not recorded. */
export type Mode = "full" | "buffer" | "off";

export interface Session {
  readonly id: string;
  readonly started: number;
  readonly last: number;
  readonly mode: Mode;
  readonly user?: string;
}

/** A tab's place in a session: chunks are numbered for each tab. */
export interface Tab {
  readonly session: string;
  readonly tab: string;
  next: number;
}

/** The part of `Storage` that is needed. */
export type Texts = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** The storage a page may use, or one that lasts as long as the page where the browser forbids it. */
export function storage(name: "localStorage" | "sessionStorage"): Texts {
  try {
    const found = window[name];
    found.setItem("airis.probe", "");
    found.removeItem("airis.probe");
    return found;
  } catch {
    const texts = new Map<string, string>();
    return {
      getItem: (key) => texts.get(key) ?? null,
      setItem: (key, value) => void texts.set(key, value),
      removeItem: (key) => void texts.delete(key),
    };
  }
}

/** The session of this origin, shared by its tabs through localStorage. */
export class Sessions {
  constructor(
    private readonly texts: Texts,
    private readonly sample: number,
    private readonly onError: number,
    private readonly now: () => number = Date.now,
    private readonly random: () => number = Math.random,
  ) {}

  /** The session that goes on, if there is one: not idle for 15 minutes, not older than an hour. */
  read(): Session | null {
    const found = parse<Session>(this.texts.getItem(SESSION));
    if (!found || typeof found.id !== "string" || !/^[0-9a-f]{32}$/.test(found.id)) return null;
    const now = this.now();
    return now - found.last < IDLE_MS && now - found.started < LONGEST_MS && found.started <= now
      ? found
      : null;
  }

  /** The session that goes on, or a new one, with its sampling decided. The user stays the same. */
  open(): Session {
    return this.read() ?? this.renew();
  }

  /** A new session whatever there is. */
  renew(): Session {
    const user = parse<Session>(this.texts.getItem(SESSION))?.user;
    const now = this.now();
    return this.write({ id: hex(16), started: now, last: now, mode: this.draw(), ...(user ? { user } : {}) });
  }

  /** The session with changes, and the time of its last activity where `active`. */
  update(session: Session, change: Partial<Omit<Session, "id" | "started">>): Session {
    return this.write({ ...session, ...change });
  }

  private draw(): Mode {
    if (this.random() < this.sample) return "full";
    return this.random() < this.onError ? "buffer" : "off";
  }

  private write(session: Session): Session {
    keep(this.texts, SESSION, JSON.stringify(session));
    return session;
  }
}

/**
 * Take this tab's place in `session`, or a new one. It is taken away from sessionStorage while the page lives, because
 * a browser that duplicates a tab copies that storage: two tabs must not number chunks of one name.
 */
export function takeTab(texts: Texts, session: string): Tab {
  const found = parse<Tab>(texts.getItem(TAB));
  texts.removeItem(TAB);
  if (found && found.session === session && Number.isInteger(found.next) && /^[0-9a-f]{16}$/.test(found.tab))
    return found;
  return { session, tab: hex(8), next: 0 };
}

/** Leave the place for the next page of this tab. */
export function leaveTab(texts: Texts, tab: Tab): void {
  keep(texts, TAB, JSON.stringify(tab));
}

/** Write where there is room; false where there is none. */
export function keep(texts: Texts, key: string, value: string): boolean {
  try {
    texts.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

export function parse<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as T) : null;
  } catch {
    return null;
  }
}
