import type { SentRequest } from "./replay-server.ts";

const encode = (text: string): string => Buffer.from(text, "latin1").toString("base64");
const names = [
  ...Array.from({ length: 60 }, (_, at) => `orders/${String(at).padStart(2, "0")}`),
  "orders/2",
  "\u0001\u00FF",
].sort();
const value = JSON.stringify({ total: 12, items: ["rope", "anchor"] });

interface RangeBody {
  readonly key: string;
  readonly range_end?: string;
  readonly limit?: string;
}

/** Answers `POST /v3/kv/range` as the JSON gateway does, for a few keys. */
export const keyAnswers: Readonly<Record<string, (request: SentRequest) => unknown>> = {
  "POST /v3/kv/range": ({ body }) => {
    const { key, range_end: end, limit } = body as RangeBody;
    const [from, to] = [key, end].map((text) =>
      text === undefined ? undefined : Buffer.from(text, "base64").toString("latin1"),
    );
    const found = names.filter((name) =>
      to === undefined ? name === from : name >= (from ?? "") && (to === "\0" || name < to),
    );
    const shown = limit === undefined ? found : found.slice(0, Number(limit));
    const kvs = shown.map((name) => ({
      key: encode(name),
      create_revision: "12",
      mod_revision: "40",
      version: "3",
      ...(end === undefined ? { value: encode(value) } : {}),
    }));
    return { header: { revision: "482" }, kvs, more: shown.length < found.length, count: String(found.length) };
  },
};
