/** Events that wait to be sent, as JSON already: each is serialised once, and later changes of it count no more. */

/** One event's JSON, its time, and the number of characters. */
export interface Written {
  readonly json: string;
  readonly at: number;
}

/** Some events in their order. */
export interface Batch {
  readonly events: readonly Written[];
  readonly chars: number;
}

/** What a chunk collects until it is cut. */
export class Pending {
  private events: Written[] = [];
  chars = 0;

  push(...events: readonly Written[]): void {
    for (const event of events) {
      this.events.push(event);
      this.chars += event.json.length + 1;
    }
  }

  get empty(): boolean {
    return this.events.length === 0;
  }

  /** Take the first events, as many as have `limit` characters together, but at least one; null when there are none. */
  cut(limit: number): Batch | null {
    let chars = 0;
    let count = 0;
    for (const event of this.events) {
      if (count && chars + event.json.length + 1 > limit) break;
      chars += event.json.length + 1;
      count += 1;
    }
    if (!count) return null;
    this.chars -= chars;
    return { events: this.events.splice(0, count), chars };
  }

  clear(): void {
    this.events = [];
    this.chars = 0;
  }
}

/**
 * The last minute: segments that each begin with a full snapshot, so that whatever is left can be replayed.
 * A segment goes when the one after it is older than `keepMs`, and sooner when all have more than `maxChars`.
 */
export class LastMinute {
  private segments: { begun: number; chars: number; events: Written[] }[] = [];

  constructor(
    private readonly keepMs: number,
    private readonly maxChars: number,
  ) {}

  /** Add an event; `begins` says that it is the first of a full snapshot. */
  push(event: Written, begins: boolean): void {
    if (begins || !this.segments.length) this.segments.push({ begun: event.at, chars: 0, events: [] });
    const last = this.segments[this.segments.length - 1];
    last?.events.push(event);
    if (last) last.chars += event.json.length;
    while (this.segments.length > 1 && this.dispensable(event.at)) this.segments.shift();
  }

  /** Whether one segment alone is too large, so that a new snapshot is needed to make room. */
  get full(): boolean {
    return this.chars > this.maxChars;
  }

  get chars(): number {
    return this.segments.reduce((sum, segment) => sum + segment.chars, 0);
  }

  /** Everything, oldest first; the buffer is empty afterwards. */
  take(): Written[] {
    const events = this.segments.flatMap((segment) => segment.events);
    this.segments = [];
    return events;
  }

  private dispensable(now: number): boolean {
    return (this.segments[1]?.begun ?? now) <= now - this.keepMs || this.chars > this.maxChars;
  }
}
