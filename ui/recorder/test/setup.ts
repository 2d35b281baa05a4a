/** What rrweb looks at and happy-dom leaves empty. */
for (const [name, value] of [
  ["NodeList", document.querySelectorAll("p")],
  ["DOMTokenList", document.createElement("p").classList],
] as const)
  if (!(globalThis as Record<string, unknown>)[name])
    Object.defineProperty(globalThis, name, { value: value.constructor, configurable: true, writable: true });
