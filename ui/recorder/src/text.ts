/** Texts that leave the page: bounded, and without what only looks like an address but is a secret. */

const SECRET =
  /(^|_)(token|secret|password|passwd|pwd|auth|authorization|session|sid|jwt|key|code|state|signature|sig|otp|pin|email|mail|phone|ssn)($|_)/;
const PARAMETER = /([?&#;])([^=&#;?]+)=([^&#]*)/g;
const CREDENTIALS = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i;

export const MAX_URL = 2_000;
export const MAX_TEXT = 4_000;

/** `text` of at most `limit` characters; a cut one ends in an ellipsis. */
export function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

/**
 * An address that may be shown to others: no user and password, and of parameters (in the query and the fragment)
 * whose name says token, key, code, e-mail and the like no value.
 */
export function cleanUrl(url: string): string {
  if (url.startsWith("data:")) return `${url.slice(0, url.indexOf(",") + 1 || 5)}…`;
  const bare = url.replace(CREDENTIALS, "$1");
  const clean = bare.replace(PARAMETER, (all: string, mark: string, name: string) =>
    SECRET.test(words(name)) ? `${mark}${name}=***` : all,
  );
  return clip(clean, MAX_URL);
}

/** A console call's arguments as one line. Never throws, whatever the arguments do when they are read. */
export function line(args: readonly unknown[]): string {
  return clip(args.map(shown).join(" "), MAX_TEXT);
}

function words(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .toLowerCase();
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    if (value instanceof Error) return value.stack ?? `${value.name}: ${value.message}`;
    if (value instanceof Node) return `<${value.nodeName.toLowerCase()}>`;
    if (typeof value === "object" && value !== null) return JSON.stringify(value, shallow()) ?? String(value);
    return String(value);
  } catch {
    return "[unreadable]";
  }
}

/** A replacer that bounds what an object may cost: 100 values, no cycles, no nodes. */
function shallow(): (key: string, value: unknown) => unknown {
  const seen = new WeakSet<object>();
  let left = 100;
  return (_key, value) => {
    left -= 1;
    if (left < 0) return undefined;
    if (typeof value === "bigint") return String(value);
    if (typeof value !== "object" || value === null) return value;
    if (seen.has(value)) return "[again]";
    seen.add(value);
    return value instanceof Node ? `<${value.nodeName.toLowerCase()}>` : value;
  };
}

/** A line for the site's developers. */
export function warn(text: string): void {
  // biome-ignore lint/suspicious/noConsole: the only place where a script without a page of its own can say something
  console.warn(`airis recorder: ${text}`);
}
