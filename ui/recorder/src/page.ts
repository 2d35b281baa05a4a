/** What a page says: console calls, errors nobody handled, and navigations without a new document. */

import type { Say } from "./events";
import type { Level } from "./options";
import { Rate } from "./rate";
import { cleanUrl, clip, line, MAX_TEXT, MAX_URL } from "./text";

/** Record calls of the console's `levels`, a hundred at once and ten a second; what is more is told as a number. */
export function watchConsole(say: Say, levels: readonly Level[]): () => void {
  const rate = new Rate(100, 10);
  const target = window.console;
  let inside = false;

  const tell = (level: Level, args: unknown[]): void => {
    if (inside || !rate.take()) return;
    inside = true; // reading an argument may itself write to the console
    try {
      if (rate.refused)
        say("airis.console", { level: "warn", text: `${rate.refused} console calls were not recorded` });
      rate.refused = 0;
      say("airis.console", { level, text: line(args) });
    } finally {
      inside = false;
    }
  };
  const stops = levels.map((level) => {
    const original = target[level];
    let active = true;
    const wrapper = (...args: unknown[]): void => {
      if (active) tell(level, args);
      original.apply(target, args);
    };
    target[level] = wrapper;
    return () => {
      active = false;
      if (target[level] === wrapper) target[level] = original;
    };
  });
  return () => {
    for (const stop of stops) stop();
  };
}

/** Record errors and rejections that nobody handled, twenty at once and one a second. */
export function watchErrors(say: Say, failed: () => void): () => void {
  const rate = new Rate(20, 1);
  const tell = (error: unknown, message: string, source = "", lineNumber = 0, column = 0): void => {
    if (!rate.take()) return;
    const stack = error instanceof Error ? clip(error.stack ?? "", MAX_TEXT) : "";
    say("airis.error", {
      message: clip(message, MAX_TEXT),
      stack,
      source: cleanUrl(source),
      line: lineNumber,
      column,
    });
    failed();
  };
  const onError = (event: ErrorEvent): void =>
    tell(event.error, event.message, event.filename, event.lineno, event.colno);
  const onRejection = ({ reason }: PromiseRejectionEvent): void =>
    tell(reason, reason instanceof Error ? `${reason.name}: ${reason.message}` : line([reason]));
  window.addEventListener("error", onError);
  window.addEventListener("unhandledrejection", onRejection);
  return () => {
    window.removeEventListener("error", onError);
    window.removeEventListener("unhandledrejection", onRejection);
  };
}

/** Record every change of the address inside the document; where a document begins, rrweb says. */
export function watchPages(say: Say): () => void {
  const history = window.history;
  const { pushState, replaceState } = history;
  let last = location.href;
  let active = true;
  const look = (): void => {
    if (!active || location.href === last) return;
    last = location.href;
    say("airis.page", { url: cleanUrl(last), title: clip(document.title, MAX_URL) });
  };
  const wrap = (original: History["pushState"]): History["pushState"] =>
    function (this: History, ...args): void {
      original.apply(this, args);
      look();
    };
  const wrapped = { pushState: wrap(pushState), replaceState: wrap(replaceState) };
  Object.assign(history, wrapped);
  window.addEventListener("popstate", look);
  window.addEventListener("hashchange", look);
  return () => {
    active = false;
    window.removeEventListener("popstate", look);
    window.removeEventListener("hashchange", look);
    if (history.pushState === wrapped.pushState) history.pushState = pushState;
    if (history.replaceState === wrapped.replaceState) history.replaceState = replaceState;
  };
}
