import { isRecord } from "./message-shape.ts";

/** What a problem document, or the gateway's error, says in words; undefined for anything else. */
export function problemText(body: string): string | undefined {
  const answer = parsedJson(body);
  if (!isRecord(answer)) return undefined;
  const texts = [answer["title"], answer["detail"], answer["message"]].filter((each) => typeof each === "string");
  const distinct = Array.from(new Set(texts)).filter((text) => text !== "");
  return distinct.length === 0 ? undefined : distinct.join(": ");
}

/** Undefined for what is no JSON. */
export function parsedJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
