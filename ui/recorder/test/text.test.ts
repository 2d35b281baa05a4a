import { describe, expect, it } from "vitest";
import { cleanUrl, clip, line, MAX_TEXT, MAX_URL } from "../src/text";

describe("cleanUrl", () => {
  it.each([
    ["https://shop.example/cart?page=2", "https://shop.example/cart?page=2"],
    ["https://u:p@shop.example/", "https://shop.example/"],
    ["https://shop.example/?access_token=abc&page=2", "https://shop.example/?access_token=***&page=2"],
    ["https://shop.example/?resetToken=abc", "https://shop.example/?resetToken=***"],
    ["https://shop.example/#id_token=abc&state=x", "https://shop.example/#id_token=***&state=***"],
    ["/search?keyword=코트&zipcode=1", "/search?keyword=코트&zipcode=1"],
    ["data:text/html,secret", "data:text/html,…"],
  ])("%s", (url, expected) => expect(cleanUrl(url)).toBe(expected));

  it("is bounded", () => expect(cleanUrl(`https://shop.example/${"a".repeat(9_999)}`)).toHaveLength(MAX_URL));
});

describe("line", () => {
  it("shows texts, numbers, objects, errors and elements", () => {
    const found = line(["결제", 3, { a: [1n, null] }, undefined, document.createElement("p")]);
    expect(found).toBe('결제 3 {"a":["1",null]} undefined <p>');
    expect(line([new TypeError("no such card")])).toContain("TypeError: no such card");
  });

  it("survives cycles and hostile objects, and is bounded", () => {
    const ring: Record<string, unknown> = {};
    ring.self = ring;
    const hostile = {
      toJSON() {
        throw new Error("no");
      },
    };
    expect(line([ring, hostile])).toBe('{"self":"[again]"} [unreadable]');
    expect(line(["x".repeat(99_999)])).toHaveLength(MAX_TEXT);
    expect(line([Array.from({ length: 9_999 }, (_, index) => ({ index }))]).length).toBeLessThanOrEqual(
      MAX_TEXT,
    );
  });

  it("clips with an ellipsis", () => expect(clip("abcdef", 4)).toBe("abc…"));
});
