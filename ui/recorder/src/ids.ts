/** Random identifiers, as W3C Trace Context wants them: lower-case hexadecimal, never all zeros. */

export function hex(bytes: number): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  values[0] = (values[0] ?? 0) || 1;
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}
