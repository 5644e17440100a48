/** One file of the repository, its path relative to the root with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Each row may import the rows below it. Rooms that share a row do not know each other. Bottom first. */
const rows: readonly (readonly string[])[] = [
  ["runtime"],
  ["errors", "causality"],
  ["resilience", "telemetry", "wire"],
  ["membership", "consensus"],
  ["coordination"],
  ["sharding", "transactions", "messaging", "discovery", "config", "cache"],
  ["proof", "recovery"],
  ["simulation"],
  ["server", "dashboard"],
];

const layerOf: ReadonlyMap<string, number> = new Map(
  rows.flatMap((rooms, row) => rooms.map((room) => [room, row + 1] as const)),
);

const maxLines = 500;

/** A place in a file system of rooms: which room, and the path inside it ("index.ts" for its public surface). */
interface Place {
  readonly room: string;
  readonly inside: string;
}

/**
 * Every import that points up, sideways into another room, or past another room's index; every file of no room; every
 * file over 500 lines that is not marked `@generated`. Type-only imports count like all others.
 */
export function checkLayers(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => [...checkLength(file), ...checkImports(file)]);
}

function checkLength({ path, text }: SourceFile): string[] {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  if (lines <= maxLines || text.slice(0, 300).includes("@generated")) return [];
  return [`${path}:${maxLines + 1} is beyond ${maxLines} lines (the file has ${lines})`];
}

function checkImports(file: SourceFile): string[] {
  if (!file.path.startsWith("packages/")) return [];
  const from = placeOf(file.path);
  if (from === undefined) return [`${file.path}:1 lies in no room: move it into a folder of src/`];
  if (!isFree(from.room) && !layerOf.has(from.room)) {
    return [`${file.path}:1 lies in room ${from.room}, which no layer holds: add it to scripts/layers.ts`];
  }
  // With them, what only tests use: servers that fail on purpose, suites that several run.
  const isTest = file.path.endsWith(".test.ts") || file.path.includes("/testing/");
  return importsOf(file.text).flatMap(({ specifier, line }) => {
    const to = resolveImport(file.path, specifier);
    if (to === undefined || to.room === from.room) return [];
    const reason = refusal(from, to, isTest);
    return reason === undefined ? [] : [`${file.path}:${line} imports ${specifier}: ${reason}`];
  });
}

/** What adapters of several systems have in common. */
const sharedAdapters: ReadonlySet<string> = new Set([
  "adapters/http-client",
  "adapters/http-server",
  "adapters/etcd-protocol",
]);

function refusal(from: Place, to: Place, isTest: boolean): string | undefined {
  // With it, the servers that fail on purpose.
  if (isAdapter(from.room) && sharedAdapters.has(to.room) && (isTest || to.inside === "index.ts")) return undefined;
  if (!entriesOf(to.room).includes(to.inside)) return `room ${to.room} is entered through its index.ts`;
  if (to.room === "testing") return isTest ? undefined : "only tests may import room testing";
  if (isAdapter(to.room)) {
    return from.room === "server" || from.room === "testing"
      ? undefined
      : `room ${from.room} must not import ${to.room}: only the server does`;
  }
  const target = layerOf.get(to.room);
  if (target === undefined) return `room ${to.room} is in no layer`;
  if (isFree(from.room)) return undefined;
  const own = layerOf.get(from.room) ?? 0;
  if (target < own || (isTest && target === own)) return undefined;
  return `room ${from.room} (layer ${own}) must not import room ${to.room} (layer ${target})`;
}

/** Second doors, because importing a policy must not load sockets and files, nor the tables of everybody's errors. */
const lightEntries: Readonly<Record<string, string>> = { runtime: "system.ts", errors: "base.ts" };

function entriesOf(room: string): readonly string[] {
  const light = lightEntries[room];
  return light === undefined ? ["index.ts"] : ["index.ts", light];
}

/** Adapters and the conformance suites stand beside the table: they may import every room. */
function isFree(room: string): boolean {
  return room === "testing" || isAdapter(room);
}

function isAdapter(room: string): boolean {
  return room.startsWith("adapters/");
}

const packageRooms: Readonly<Record<string, string>> = { server: "server", dashboard: "dashboard" };

/** Undefined for a file beside the rooms. Each adapter is a room of its own. */
function placeOf(path: string): Place | undefined {
  const [, name = "", source, ...rest] = path.split("/");
  if (source !== "src") return undefined;
  const room = packageRooms[name];
  if (room !== undefined) return { room, inside: rest.join("/") };
  const depth = rest[0] === "adapters" ? 2 : 1;
  return rest.length <= depth
    ? undefined
    : { room: rest.slice(0, depth).join("/"), inside: rest.slice(depth).join("/") };
}

/** Undefined for what is none of ours: Node's modules and other packages. */
function resolveImport(path: string, specifier: string): Place | undefined {
  if (specifier.startsWith(".")) {
    const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
    return placeOf(target) ?? { room: target, inside: "" };
  }
  const own = /^(?:@holdfast\/(?<package>[^/]+)|holdfast\/(?<room>.+))/.exec(specifier)?.groups;
  const room = own?.["package"] ?? own?.["room"];
  if (room === undefined) return undefined;
  const [name = "", door] = room.split("/");
  return door !== undefined && lightEntries[name] === `${door}.ts`
    ? { room: name, inside: `${door}.ts` }
    : { room, inside: "index.ts" };
}

/** Static and dynamic imports and re-exports. The formatter starts every static one on a line of its own. */
const importPattern: RegExp =
  /^(?:import|export)\b[^"'`;=]*?\bfrom\s*["']([^"']+)["']|^import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;

function importsOf(text: string): { readonly specifier: string; readonly line: number }[] {
  return [...text.matchAll(importPattern)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? "";
    const end = match.index + match[0].length;
    return { specifier, line: text.slice(0, end).split("\n").length };
  });
}
