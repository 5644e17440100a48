import { cut, ErrorShape } from "./error-shape.ts";

/** No body is parsed beyond this many characters. */
const maxBodyLength = 65_536;

/** Where HTTP clients put the body of an answer. */
const places: readonly (readonly string[])[] = [
  ["problem"],
  ["data"],
  ["body"],
  ["response", "data"],
  ["response", "body"],
];

/** `title: detail` of the problem document (RFC 9457) an HTTP error carries; undefined when there is none. */
export function problemDetail(error: ErrorShape): string | undefined {
  for (const place of places) {
    let shape = error;
    for (const key of place) shape = shape.child(key);
    const document = typeof shape.value === "string" ? parse(shape.value) : shape;
    const title = document?.text("title");
    const detail = document?.text("detail");
    if (title !== undefined && detail !== undefined) return cut(`${title}: ${detail}`);
    if ((title ?? detail) !== undefined && document?.number("status") !== undefined) return title ?? detail;
  }
  return undefined;
}

function parse(text: string): ErrorShape | undefined {
  if (text.length > maxBodyLength || !text.trimStart().startsWith("{")) return undefined;
  try {
    return new ErrorShape(JSON.parse(text));
  } catch {
    return undefined;
  }
}
