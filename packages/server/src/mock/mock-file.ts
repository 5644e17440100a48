import type { MockServiceOptions } from "holdfast/adapters/mock-service";
import { isAlias, isMap, isNode, isPair, isSeq, LineCounter, parseDocument, type Document } from "yaml";
import { usageError, type ExitError } from "../cli/exit.ts";

/** What a file may say; where the service listens and who may change it is said on the line. */
const names = [
  "name",
  "seed",
  "routes",
  "faults",
  "journal",
  "maxBodyBytes",
  "maxHeaderBytes",
  "maxConnections",
  "maxRoutes",
  "maxFaults",
] as const;

export type MockFileOptions = Pick<MockServiceOptions, (typeof names)[number]>;

/** A file that is well-formed; what it says is checked by the service. */
export interface MockFile {
  readonly options: MockFileOptions;
  /** What `mockService.routes[0].path must be …` says, with the place in the file: `mock.yaml:3:11: routes[0].path must be …`. */
  place(message: string): ExitError;
}

const maxLetters = 16 * 1024 * 1024;

/** Reads YAML, of which JSON is a part. @throws ExitError (usage) with the place of the problem */
export function readMockFile(file: string, text: string): MockFile {
  if (text.length > maxLetters)
    throw usageError(`${file} must have at most ${maxLetters} letters (got ${text.length})`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const failing = (offset: number, message: string): ExitError => {
    const { line, col } = lines.linePos(offset);
    return usageError(`${file}:${line}:${col}: ${message}`);
  };
  // A tag that nobody knows would be read as something else.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw failing(problem.pos[0], firstLine(problem.message));
  if (!isMap(document.contents)) throw failing(0, `must hold an object with ${names.join(", ")}`);
  for (const { key } of document.contents.items) {
    const name = String(key);
    if ((names as readonly string[]).includes(name)) continue;
    throw failing(offsetOf(key) ?? 0, `${name} is no option; there are ${names.join(", ")}`);
  }
  let options: MockFileOptions;
  try {
    options = document.toJS() as MockFileOptions;
  } catch (error) {
    throw failing(0, firstLine(error instanceof Error ? error.message : String(error)));
  }
  return {
    options,
    place(message) {
      const [, path, rest] = /^(?:mockService|configuration)\.(\S+) ([^]*)$/.exec(message) ?? [];
      return path === undefined
        ? failing(0, message)
        : failing(offsetOfPath(document, path) ?? 0, `${path} ${rest ?? ""}`);
    },
  };
}

/** Where `routes[0].answer.status` stands: the deepest part of it that is in the file. */
function offsetOfPath(document: Document, path: string): number | undefined {
  const steps = [...path.matchAll(/[^.[\]]+/g)].map(([step]) => step);
  let node: unknown = document.contents;
  let offset = offsetOf(node);
  for (const step of steps) {
    if (isAlias(node)) node = node.resolve(document);
    const next: unknown = isSeq(node)
      ? node.items[Number(step)]
      : isMap(node)
        ? node.items.find(({ key }) => String(key) === step)
        : undefined;
    if (next === undefined) break;
    offset = offsetOf(isPair(next) ? next.key : next) ?? offset;
    node = isPair(next) ? next.value : next;
  }
  return offset;
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0] ?? "";
}
