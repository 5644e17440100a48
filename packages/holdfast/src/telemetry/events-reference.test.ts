import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventRooms, eventTypes } from "./event.ts";

const page = readFileSync(join(import.meta.dirname, "../../../../docs/events.md"), "utf8");

/** Per type: the room and the fields, as the page has them. */
function documented(): Map<string, { room: string; fields: readonly string[] }> {
  const found = new Map<string, { room: string; fields: readonly string[] }>();
  for (const section of page.split(/^## /m).slice(1)) {
    const room = section.slice(0, section.indexOf("\n"));
    for (const [, type = "", fields = ""] of section.matchAll(/^\| `(\w+)` \| ([^|]*) \|/gm)) {
      expect(found.has(type), type).toBe(false);
      found.set(type, { room, fields: [...fields.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? "") });
    }
  }
  return found;
}

/** Per type: the fields, in order, as the interfaces have them. */
function declared(): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const file of globSync("*-fact.ts", { cwd: import.meta.dirname })) {
    const text = readFileSync(join(import.meta.dirname, file), "utf8");
    const bodies = new Map<string, readonly string[]>();
    for (const [, name = "", base = "", body = ""] of text.matchAll(
      /interface (\w+)(?: extends (\w+))? \{(.*?)^\}/gms,
    )) {
      const own = [...body.matchAll(/^ {2}readonly (\w+):/gm)].map(([, field]) => field ?? "");
      const fields = [...(bodies.get(base) ?? []), ...own].filter((field) => field !== "type");
      bodies.set(name, fields);
      const [, type] = /readonly type: "(\w+)"/.exec(body) ?? [];
      if (type !== undefined) found.set(type, fields);
    }
  }
  return found;
}

describe("docs/events.md", () => {
  it("has every type of the code, under its room, and no other", () => {
    const rooms = [...documented()].map(([type, { room }]) => [type, room]);
    expect(Object.fromEntries(rooms)).toEqual(eventRooms);
  });

  it("has the fields of every type", () => {
    const fields = declared();
    expect([...fields.keys()].toSorted()).toEqual([...eventTypes].toSorted());
    expect(fields.get("memberFailed")).toEqual(["member", "host", "port", "incarnation", "from", "lastHeardMs"]);
    const onPage = [...documented()].map(([type, entry]) => [type, entry.fields]);
    expect(Object.fromEntries(onPage)).toEqual(Object.fromEntries(fields));
  });
});
