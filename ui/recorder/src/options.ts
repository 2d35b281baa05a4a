/** What a site says about its recordings: attributes of the script tag, and `window.airisOptions` over them. */

import type { Event } from "./events";

export const LEVELS = ["debug", "log", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

export interface Options {
  /** An API key with the scope `ingest` alone: everybody who opens the page can read it. */
  readonly key: string;
  /** Address of AIRIS-Ray, without a path. */
  readonly endpoint: string;
  /** Share of sessions that are recorded from their beginning, 0 to 1. */
  readonly sample: number;
  /** Share of the other sessions of which the last minute is kept and sent once an error comes, 0 to 1. */
  readonly onError: number;
  readonly service: string;
  readonly release: string;
  /** Origins beside the page's own that get a `traceparent`: `https://api.shop.example`, `https://*.shop.example`. */
  readonly traceOrigins: readonly string[];
  /** Console calls that are recorded. */
  readonly console: readonly Level[];
  /** CSS selectors of what is replaced by an empty box, and of text that is replaced by stars. */
  readonly block: string;
  readonly mask: string;
  /** Whether recording begins by itself; otherwise the site calls `airis.start()`. */
  readonly autostart: boolean;
  /** The site's last word over an event before it is kept; null leaves it out. */
  readonly beforeEvent?: (event: Event) => Event | null;
}

export class BadOptions extends Error {}

/** Options from a script tag's data attributes and an object over them. Raises BadOptions naming what is wrong. */
export function readOptions(data: DOMStringMap, source: string, over: Partial<Options> = {}): Options {
  const key = over.key ?? data.key ?? "";
  if (!key) throw new BadOptions("data-key is missing: an API key with the scope ingest");
  return {
    key,
    endpoint: origin(over.endpoint ?? data.endpoint ?? source),
    sample: over.sample ?? share("data-sample", data.sample, 1),
    onError: over.onError ?? share("data-on-error", data.onError, 1),
    service: over.service ?? data.service ?? "",
    release: over.release ?? data.release ?? "",
    traceOrigins: over.traceOrigins ?? list(data.traceOrigins ?? ""),
    console: over.console ?? levels(data.console ?? "warn error"),
    block: selector("data-block", over.block ?? data.block),
    mask: selector("data-mask", over.mask ?? data.mask),
    autostart: over.autostart ?? data.autostart !== "false",
    ...(over.beforeEvent ? { beforeEvent: over.beforeEvent } : {}),
  };
}

function origin(address: string): string {
  try {
    const url = new URL(address);
    if (/^https?:$/.test(url.protocol)) return url.origin;
  } catch {
    // said below, with what came
  }
  throw new BadOptions(`data-endpoint must be the address of AIRIS-Ray (https://…), not "${address}"`);
}

function share(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined || text.trim() === "") return otherwise;
  const value = Number(text);
  if (value >= 0 && value <= 1) return value;
  throw new BadOptions(`${name} must be a number from 0 to 1, not "${text}"`);
}

/** A selector that the browser understands: another one would raise in the middle of the page's own work. */
function selector(name: string, text = ""): string {
  try {
    if (text) document.createDocumentFragment().querySelector(text);
    return text;
  } catch {
    throw new BadOptions(`${name} must be a CSS selector, not "${text}"`);
  }
}

function list(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

function levels(text: string): Level[] {
  const names = list(text).filter((name) => name !== "none");
  const unknown = names.find((name) => !LEVELS.includes(name as Level));
  if (unknown) throw new BadOptions(`data-console has "${unknown}"; there are ${LEVELS.join(", ")} and none`);
  return names as Level[];
}
