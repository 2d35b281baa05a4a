/** W3C Trace Context: which requests get a `traceparent`, and what is in one. https://www.w3.org/TR/trace-context/ */

import { hex } from "./ids";

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

export function traceparent(): string {
  return `00-${hex(16)}-${hex(8)}-01`;
}

/** The trace id of a `traceparent`; '' where it is none. */
export function traceIdOf(header: string | null | undefined): string {
  return TRACEPARENT.exec(header ?? "")?.[1] ?? "";
}

/** Whether requests to an origin may carry our header: a foreign server that does not know it refuses the request. */
export function tracedOrigins(own: string, allowed: readonly string[]): (url: URL) => boolean {
  const exact = new Set([own, ...allowed.map((origin) => origin.toLowerCase().replace(/\/+$/, ""))]);
  const suffixes = [...exact].flatMap((origin) => {
    const found = /^(https?:)\/\/\*(\..+)$/.exec(origin);
    return found ? [{ protocol: found[1], suffix: found[2] ?? "" }] : [];
  });
  return (url) =>
    exact.has(url.origin) ||
    suffixes.some(({ protocol, suffix }) => url.protocol === protocol && url.host.endsWith(suffix));
}
