/** The script: reads its tag, starts, and leaves `window.airis` behind. */

import { BadOptions, type Options, readOptions } from "./options";
import { Recorder } from "./recorder";
import { clip, MAX_TEXT, warn } from "./text";

export interface Airis {
  /** Name the visitor as the site names its users; null at logout. */
  identify(user: string | null): void;
  /** Mark a moment: `airis.event("coupon refused", {code: 7})`. */
  event(name: string, attributes?: Record<string, unknown>): void;
  /** Record; with `{full: true}` also a session that the sampling left out. */
  start(how?: { full?: boolean }): void;
  stop(): void;
  /** Id of the session whose recording is sent; null while none is. */
  readonly sessionId: string | null;
}

declare global {
  interface Window {
    airis?: Airis;
    airisOptions?: Partial<Options>;
  }
}

function framed(): boolean {
  try {
    return window.parent !== window && "airis" in window.parent;
  } catch {
    return false; // of another origin: rrweb does not see into it from there
  }
}

function install(script: HTMLScriptElement | null): void {
  if (window.airis || framed()) return; // a second tag, or a frame that the page around it records already
  const options = readOptions(script?.dataset ?? {}, script?.src ?? "", window.airisOptions);
  const recorder = new Recorder(options);
  window.airis = {
    identify: (user) => recorder.identify(user),
    event: (name, attributes = {}) => recorder.say("airis.event", { name: clip(name, MAX_TEXT), attributes }),
    start: (how) => recorder.start(how?.full),
    stop: () => recorder.stop(),
    get sessionId() {
      return recorder.sessionId;
    },
  };
  if (options.autostart) recorder.start();
}

try {
  install(document.currentScript as HTMLScriptElement | null);
} catch (error) {
  if (!(error instanceof BadOptions)) throw error;
  warn(error.message);
}
