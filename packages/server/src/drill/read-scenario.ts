import { InvalidArgumentError } from "holdfast/errors/base";
import { checkScenario, type DrillScenario } from "holdfast/proof";
import { LineCounter, parseDocument, type Document } from "yaml";
import { usageError } from "../cli/exit.ts";

/** A scenario, and how what is wrong with it is told, also when that is found later. */
export interface FoundScenario {
  readonly scenario: DrillScenario;
  /** Says where the mistake is. */
  refuse(error: unknown): Error;
}

/**
 * A drill written in YAML or JSON. What is wrong in it is named by its place in the file: `drill.yaml:7:12: faults[1].after
 * must be a duration …`.
 *
 * @throws ExitError (usage)
 */
export function readScenario(text: string, file: string): FoundScenario {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [broken] = document.errors;
  if (broken !== undefined) throw usageError(`${at(broken.pos[0])}: ${broken.message}`);
  const refuse = (error: unknown): Error => {
    if (!InvalidArgumentError.is(error)) return usageError(`${file}: ${(error as Error).message}`);
    return usageError(`${at(offsetOf(document, pathOf(error.message)))}: ${error.message}`);
  };
  try {
    // Aliases could make a small text a huge one.
    return { scenario: checkScenario(document.toJS({ maxAliasCount: 100 })), refuse };
  } catch (error) {
    throw refuse(error);
  }
}

/** `faults[1].after must …` is about `["faults", 1, "after"]`. */
function pathOf(message: string): readonly (string | number)[] {
  const [, name = ""] = /^(?:scenario\b\.?)?([\w.[\]-]*)/.exec(message) ?? [];
  return name
    .replaceAll(/\[(\d+)\]/g, ".$1")
    .split(".")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Where the path leads, or as far as it leads. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as { readonly range?: readonly number[] } | undefined;
    const offset = node?.range?.[0];
    if (offset !== undefined) return offset;
  }
  return 0;
}
