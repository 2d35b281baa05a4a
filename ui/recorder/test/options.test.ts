import { expect, it } from "vitest";
import { BadOptions, readOptions } from "../src/options";

const SOURCE = "https://airis.example:3000/recorder.js?v=1";

it("takes its address from where the script came, and records every session", () => {
  const options = readOptions({ key: "k" }, SOURCE);
  expect(options).toMatchObject({
    endpoint: "https://airis.example:3000",
    sample: 1,
    onError: 1,
    autostart: true,
  });
  expect(options.console).toEqual(["warn", "error"]);
});

it("reads attributes, and an object over them", () => {
  const data = {
    key: "k",
    sample: "0.1",
    onError: "0",
    console: "log, error",
    traceOrigins: "https://a.example",
    autostart: "false",
  };
  const options = readOptions(data, SOURCE, { sample: 0.2, endpoint: "http://127.0.0.1:3000/x" });
  expect(options).toMatchObject({
    sample: 0.2,
    onError: 0,
    autostart: false,
    endpoint: "http://127.0.0.1:3000",
  });
  expect(options.console).toEqual(["log", "error"]);
  expect(readOptions({ key: "k", console: "none" }, SOURCE).console).toEqual([]);
});

it.each([
  [{}, SOURCE, "data-key"],
  [{ key: "k", sample: "10%" }, SOURCE, 'data-sample must be a number from 0 to 1, not "10%"'],
  [{ key: "k", onError: "2" }, SOURCE, "data-on-error"],
  [{ key: "k", console: "loud" }, SOURCE, "loud"],
  [{ key: "k", mask: "p[" }, SOURCE, 'data-mask must be a CSS selector, not "p["'],
  [{ key: "k" }, "", "data-endpoint"],
  [{ key: "k", endpoint: "ftp://a.example" }, SOURCE, "ftp://a.example"],
])("says what is wrong: %o", (data: DOMStringMap, source, said) => {
  expect(() => readOptions(data, source)).toThrow(BadOptions);
  expect(() => readOptions(data, source)).toThrow(said);
});
