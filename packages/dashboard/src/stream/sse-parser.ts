/** One event of a stream of server-sent events. */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/** What the parser has read of the stream's state. */
export interface EventParser {
  /** Gives the events that end in this piece. @throws RangeError when one grows beyond `maxBytes` */
  push(piece: string): readonly ServerEvent[];
  /** The last id heard: what to go on from. Empty when there was none. */
  readonly lastId: string;
  /** How long the server wants clients to wait before they come back; undefined when it did not say. */
  readonly retryMs: number | undefined;
}

const defaultMaxChars = 32 * 1024 * 1024;

/** Reads `text/event-stream` piece by piece, as WHATWG HTML 9.2.6 has it; an event that does not end is dropped. */
export function eventParser(lastId: string = "", maxChars: number = defaultMaxChars): EventParser {
  let rest = "";
  let data: string[] = [];
  let name = "";
  let id = lastId;
  /** Holds from the end of its event on: who was cut off before wants that event again. */
  let nextId = lastId;
  let retryMs: number | undefined;
  let size = 0;
  let isFirst = true;

  function field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const key = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (key === "data") {
      // An empty line of data is one too.
      size += value.length + 1;
      data.push(value);
    } else if (key === "event") name = value;
    else if (key === "id" && !value.includes("\0")) nextId = value;
    else if (key === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  }

  return {
    push(piece) {
      let text = rest + piece;
      if (isFirst && text !== "") {
        isFirst = false;
        if (text.startsWith("\uFEFF")) text = text.slice(1);
      }
      const events: ServerEvent[] = [];
      let from = 0;
      let nextReturn = text.indexOf("\r");
      for (;;) {
        // Looked for again only once it is passed: most streams have none, and pieces are long.
        if (nextReturn !== -1 && nextReturn < from) nextReturn = text.indexOf("\r", from);
        const end = lineEnd(text, from, nextReturn);
        if (end === undefined) break;
        const line = text.slice(from, end.at);
        from = end.next;
        if (line !== "") field(line);
        else {
          if (data.length > 0) events.push({ name: name === "" ? "message" : name, data: data.join("\n") });
          id = nextId;
          data = [];
          name = "";
          size = 0;
        }
      }
      rest = text.slice(from);
      if (rest.length + size > maxChars) throw new RangeError(`an event of more than ${maxChars} characters`);
      return events;
    },
    get lastId() {
      return id;
    },
    get retryMs() {
      return retryMs;
    },
  };
}

/** A CR at the very end may be half of a CRLF: its line ends when the next piece tells. */
function lineEnd(
  text: string,
  from: number,
  firstReturn: number,
): { readonly at: number; readonly next: number } | undefined {
  const feed = text.indexOf("\n", from);
  if (firstReturn === -1 || (feed !== -1 && feed < firstReturn))
    return feed === -1 ? undefined : { at: feed, next: feed + 1 };
  if (firstReturn + 1 === text.length) return undefined;
  return { at: firstReturn, next: text[firstReturn + 1] === "\n" ? firstReturn + 2 : firstReturn + 1 };
}
