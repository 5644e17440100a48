import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventRooms, eventTypes } from "../packages/holdfast/src/telemetry/event.ts";

const facts = join(import.meta.dirname, "../packages/holdfast/src/telemetry");
const page = join(import.meta.dirname, "../docs/events.md");

/** A field of an event, as its interface has it. */
interface Field {
  readonly name: string;
  readonly doc: string;
  /** Of a base that several events share. */
  readonly isShared: boolean;
}

interface EventEntry {
  readonly type: string;
  readonly doc: string;
  readonly fields: readonly Field[];
}

/** Every event of the `*-fact.ts` files of telemetry, read from their text. */
function readEventEntries(): readonly EventEntry[] {
  return globSync("*-fact.ts", { cwd: facts })
    .toSorted()
    .flatMap((file) => entriesOf(readFileSync(join(facts, file), "utf8")));
}

function entriesOf(text: string): EventEntry[] {
  const bases = new Map<string, readonly Field[]>();
  const entries: EventEntry[] = [];
  const pattern =
    /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?(?:export )?interface (\w+)(?: extends (\w+))? \{\n?(.*?)^\}/gms;
  for (const [, doc = "", name = "", base = "", body = ""] of text.matchAll(pattern)) {
    const own = fieldsOf(body);
    const fields = [...(bases.get(base) ?? []), ...own];
    bases.set(
      name,
      fields.map((field) => ({ ...field, isShared: true })),
    );
    const [, type] = /readonly type: "(\w+)"/.exec(body) ?? [];
    if (type !== undefined) entries.push({ type, doc: prose(doc), fields });
  }
  return entries;
}

function fieldsOf(body: string): Field[] {
  const pattern = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?^ {2}readonly (\w+)\??:/gm;
  return [...body.matchAll(pattern)]
    .map(([, doc = "", name = ""]) => ({ name, doc: prose(doc), isShared: false }))
    .filter(({ name }) => name !== "type");
}

/** A comment on one line, fit for a cell. */
function prose(comment: string): string {
  return comment
    .replaceAll(/^\s*\*? ?/gm, "")
    .replaceAll(/\s+/g, " ")
    .replaceAll("|", "\\|")
    .trim();
}

const intro = `# Events

Every event that Holdfast publishes, by the room it comes from; made from the source by
\`node --conditions=source scripts/events-page.ts\`. How to get at them is in [telemetry.md](telemetry.md). Each one
carries, beside the fields below:

| field | |
| --- | --- |
| \`type\` | which it is |
| \`at\` | milliseconds since 1970, by the wall clock of the node that tells |
| \`nodeId\` | the node that tells. Others may see the same otherwise: each tells what it noticed |
| \`seq\` | 1, 2, 3, … in each run of a node |
| \`traceId\` | of a call, a request or a plan that is traced: its trace. Not there otherwise |

\`\`\`json
{
  "type": "memberFailed", "at": 1795279129306, "nodeId": "n1", "seq": 12,
  "member": "n2", "host": "127.0.0.1", "port": 7713, "incarnation": 3, "from": "n3", "lastHeardMs": 7560
}
\`\`\`

On \`node:diagnostics_channel\` the name is \`holdfast:<room>:<type>\`. An \`error\` is
\`{ "name", "code", "message" }\`, cut to a length that can be kept.
`;

/** What a reader must know of a room before its table. */
const rooms: Readonly<Record<string, string>> = {
  membership:
    "Who is there, as the node that tells believes. Other members may see the same otherwise, earlier, later or not at all.",
  consensus: "The node's own part in Raft.",
  server: "What the server of a node tells.",
  proof: "What was done [on purpose](live-faults.md), to see whether the rest withstands it.",
  resilience:
    "What [policies](resilience.md) do, once they are given [a telemetry's listener](telemetry.md#policies-and-plans).",
  recovery:
    "What [recovery](recovery.md) does, once it is given [a telemetry's listener](telemetry.md#policies-and-plans).",
  health:
    "How a [service](health.md) is, once its health is given [a telemetry's listener](telemetry.md#policies-and-plans).",
};

export function renderEventsPage(): string {
  const entries = readEventEntries();
  const names = [...new Set(eventTypes.map((type) => eventRooms[type]))];
  const sections = names.map((room) => {
    const own = eventTypes.flatMap((type) =>
      eventRooms[type] === room ? entries.filter((entry) => entry.type === type) : [],
    );
    return renderRoom(room, own);
  });
  return [intro, ...sections].join("\n");
}

function renderRoom(room: string, entries: readonly EventEntry[]): string {
  const rows = entries.map(({ type, doc, fields }) => {
    const names = fields.map(({ name }) => `\`${name}\``).join(", ");
    const own = fields.flatMap((field) =>
      field.isShared || field.doc === "" ? [] : [`\`${field.name}\`: ${field.doc}`],
    );
    return `| \`${type}\` | ${names} | ${[doc, ...own].join(" ")} |`;
  });
  const shared = new Map<string, { readonly name: string; readonly doc: string; readonly types: string[] }>();
  for (const { type, fields } of entries) {
    for (const { name, doc, isShared } of fields) {
      if (!isShared || doc === "") continue;
      const known = shared.get(`${name} ${doc}`) ?? { name, doc, types: [] };
      known.types.push(`\`${type}\``);
      shared.set(`${name} ${doc}`, known);
    }
  }
  const of = (types: readonly string[]): string => (types.length === entries.length ? "" : ` of ${types.join(", ")}`);
  const notes = [...shared.values()].map(({ name, doc, types }) => `- \`${name}\`${of(types)}: ${doc}`);
  return [
    `## ${room}`,
    "",
    ...(rooms[room] === undefined ? [] : [rooms[room], ""]),
    ...(notes.length === 0 ? [] : [...notes, ""]),
    "| type | fields | when |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

if (process.argv[1] === import.meta.filename) writeFileSync(page, renderEventsPage());
