/** Events: rrweb's, and custom ones of our own whose tags docs/replay.md lists. */

/** An event as rrweb hands it over; what `data` is depends on the type. https://github.com/rrweb-io/rrweb */
export interface Event {
  readonly type: number;
  readonly data: unknown;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

export const FULL = 2;
export const META = 4;
const INCREMENTAL = 3;
const CUSTOM = 5;
/** Incremental sources that only a visitor's hand causes: mouse, click, input, touch, drag. */
const BY_HAND: readonly number[] = [1, 2, 5, 6, 12];

export interface Payloads {
  "airis.console": { level: string; text: string };
  "airis.network": { method: string; url: string; status: number; duration_ms: number; trace_id: string };
  "airis.error": { message: string; stack: string; source: string; line: number; column: number };
  "airis.page": { url: string; title: string };
  "airis.event": { name: string; attributes: Record<string, unknown> };
}

export type Tag = keyof Payloads;
export type Say = <T extends Tag>(tag: T, payload: Payloads[T]) => void;

/** A custom event, as rrweb's `addCustomEvent` would make it (which cannot be called before its first snapshot). */
export function custom<T extends Tag>(tag: T, payload: Payloads[T], timestamp: number): Event {
  return { type: CUSTOM, data: { tag, payload }, timestamp };
}

/** Whether the visitor did something. */
export function byHand(event: Event): boolean {
  return event.type === INCREMENTAL && BY_HAND.includes((event.data as { source: number }).source);
}
