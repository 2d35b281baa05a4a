/** Requests by `fetch` and `XMLHttpRequest`: their method, address, status and duration, never bodies or headers. */

import type { Say } from "./events";
import { cleanUrl } from "./text";
import { traceIdOf, traceparent } from "./trace";

interface Call {
  readonly method: string;
  readonly url: URL;
  traceId: string;
  started: number;
}

export interface Watched {
  readonly say: Say;
  /** Whether requests there get a `traceparent`. */
  readonly traced: (url: URL) => boolean;
  /** The recorder's own address: never recorded. */
  readonly own: string;
}

/** Watch requests until the returned function is called. */
export function watchNetwork(watched: Watched): () => void {
  const stopFetch = watchFetch(watched);
  const stopXhr = watchXhr(watched);
  return () => {
    stopFetch();
    stopXhr();
  };
}

function watchFetch(watched: Watched): () => void {
  const original = window.fetch;
  let active = true;
  const wrapper = function (this: unknown, input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const found = active ? quietly(() => begin(watched, input, init)) : undefined;
    if (!found) return original.call(window, input, init);
    const answer = original.call(window, input, found.init);
    answer.then(
      (response) => over(watched, found.call, response.status),
      // What the page itself gave up is no failure.
      (error: unknown) => (error as Error | undefined)?.name !== "AbortError" && over(watched, found.call, 0),
    );
    return answer;
  };
  window.fetch = wrapper;
  return () => {
    active = false;
    if (window.fetch === wrapper) window.fetch = original;
  };
}

/** The call behind fetch's arguments, and `init` with our header; undefined for what is not recorded. */
function begin(watched: Watched, input: RequestInfo | URL, init?: RequestInit) {
  const request = input instanceof Request ? input : undefined;
  const url = new URL(request ? request.url : String(input), document.baseURI);
  if (isOwn(watched, url)) return undefined;
  const method = (init?.method ?? request?.method ?? "GET").toUpperCase();
  const headers = new Headers(init?.headers ?? request?.headers);
  const call: Call = {
    method,
    url,
    traceId: traceIdOf(headers.get("traceparent")),
    started: performance.now(),
  };
  const mode = init?.mode ?? request?.mode;
  if (headers.has("traceparent") || mode === "no-cors" || !watched.traced(url)) return { call, init };
  const header = traceparent();
  headers.set("traceparent", header);
  call.traceId = traceIdOf(header);
  return { call, init: { ...init, headers } };
}

function watchXhr(watched: Watched): () => void {
  const prototype = XMLHttpRequest.prototype;
  const { open, send, setRequestHeader } = prototype;
  const calls = new WeakMap<XMLHttpRequest, Call>();
  let active = true;

  const wrapped = {
    open(this: XMLHttpRequest, method: string, url: string | URL, ...rest: unknown[]): void {
      quietly(() => {
        const target = new URL(String(url), document.baseURI);
        calls.delete(this);
        if (active && !isOwn(watched, target))
          calls.set(this, { method: String(method).toUpperCase(), url: target, traceId: "", started: 0 });
      });
      (open as (...args: unknown[]) => void).call(this, method, url, ...rest);
    },
    setRequestHeader(this: XMLHttpRequest, name: string, value: string): void {
      const call = calls.get(this);
      if (call && name.toLowerCase() === "traceparent") call.traceId = traceIdOf(value);
      setRequestHeader.call(this, name, value);
    },
    send(this: XMLHttpRequest, body?: Document | XMLHttpRequestBodyInit | null): void {
      const call = calls.get(this);
      if (active && call) quietly(() => follow(watched, this, call, setRequestHeader));
      send.call(this, body);
    },
  };
  Object.assign(prototype, wrapped);
  return () => {
    active = false;
    if (prototype.open === wrapped.open) prototype.open = open;
    if (prototype.send === wrapped.send) prototype.send = send;
    if (prototype.setRequestHeader === wrapped.setRequestHeader)
      prototype.setRequestHeader = setRequestHeader;
  };
}

function follow(
  watched: Watched,
  request: XMLHttpRequest,
  call: Call,
  setHeader: XMLHttpRequest["setRequestHeader"],
): void {
  call.started = performance.now();
  if (!call.traceId && watched.traced(call.url)) {
    const header = traceparent();
    setHeader.call(request, "traceparent", header);
    call.traceId = traceIdOf(header);
  }
  let aborted = false;
  request.addEventListener(
    "abort",
    () => {
      aborted = true;
    },
    { once: true },
  );
  request.addEventListener("loadend", () => !aborted && over(watched, call, request.status), { once: true });
}

function isOwn(watched: Watched, url: URL): boolean {
  return `${url.origin}${url.pathname}` === watched.own;
}

function over(watched: Watched, call: Call, status: number): void {
  watched.say("airis.network", {
    method: call.method,
    url: cleanUrl(call.url.href),
    status,
    duration_ms: Math.round((performance.now() - call.started) * 10) / 10,
    trace_id: call.traceId,
  });
}

/** The page's request goes on whatever recording it would have raised. */
function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
