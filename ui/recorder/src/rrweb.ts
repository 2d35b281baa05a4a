/** How rrweb records: nothing that a visitor types, and not what the site marks. */

import type { record } from "@rrweb/record";
import type { Event } from "./events";
import type { Options } from "./options";

type RecordOptions = NonNullable<Parameters<typeof record<Event>>[0]>;

const PASSWORD = "********";
/** rrweb's `maskAllInputs` knows neither hidden fields nor the names of chosen files. */
const MASKED = [
  "color date datetime-local email file hidden month number password range search tel text textarea time url week",
  "select",
].flatMap((names) => names.split(" "));
const EDITABLE = '[contenteditable]:not([contenteditable="false"])';

/** Elements of the class `airis-block` become empty boxes, text in `airis-mask` stars; `airis-ignore` ignores input. */
export function rrwebOptions({ block, mask }: Options): RecordOptions {
  return {
    recordAfter: "DOMContentLoaded",
    slimDOMOptions: true,
    blockClass: "airis-block",
    maskTextClass: "airis-mask",
    ignoreClass: "airis-ignore",
    maskTextSelector: [EDITABLE, mask].filter(Boolean).join(", "),
    maskInputOptions: Object.fromEntries(MASKED.map((name) => [name, true])),
    maskInputFn: masked,
    ...(block ? { blockSelector: block } : {}),
  };
}

/** Stars, one for each character; a password does not show its length either. */
function masked(text: string, element: HTMLElement): string {
  if (element.getAttribute("type")?.toLowerCase() === "password") return text && PASSWORD;
  return "*".repeat(text.length);
}
