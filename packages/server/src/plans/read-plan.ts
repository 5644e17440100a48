import { isCollection, LineCounter, parseDocument, type Document } from "yaml";

/** A plan's document, and where things stand in it. */
export interface PlanFile {
  readonly document: unknown;
  /** `LINE:COLUMN` of a path like `steps[2].dependsOn[0]`, or of the nearest thing around it. */
  readonly placeOf: (path: string) => string;
}

/** What YAML, or JSON, cannot be: told with its place. */
export interface PlanSyntaxProblem {
  readonly place: string;
  readonly message: string;
}

/** More aliases than this make a small file a large document. */
const maxAliases = 100;

/** @returns the problems of a text that cannot be read */
export function readPlan(text: string): PlanFile | readonly PlanSyntaxProblem[] {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${line}:${col}`;
  };
  if (parsed.errors.length > 0) {
    return parsed.errors.map(({ pos, message }) => ({ place: placeAt(pos[0]), message }));
  }
  let document: unknown;
  try {
    document = parsed.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    return [{ place: "1:1", message: (error as Error).message }];
  }
  return { document, placeOf: (path) => placeAt(offsetOf(parsed, segmentsOf(path))) };
}

function segmentsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) =>
    index === undefined ? (name ?? "") : Number(index),
  );
}

function offsetOf(document: Document.Parsed, segments: readonly (string | number)[]): number {
  let offset = document.contents?.range?.[0] ?? 0;
  for (let depth = 1; depth <= segments.length; depth++) {
    const node: unknown = document.getIn(segments.slice(0, depth), true);
    const range = (node as { readonly range?: readonly number[] | null } | undefined)?.range;
    // What is missing, or has a dot in its name, is looked for no further.
    if (range === undefined || range === null) break;
    offset = range[0] ?? offset;
    if (!isCollection(node)) break;
  }
  return offset;
}
