import { classify, type Classify } from "./classify.ts";
import { detached } from "./context-log.ts";
import { ErrorShape } from "./error-shape.ts";
import { transientKinds } from "./failure.ts";
import { frameOf, type ErrorIdentity } from "./fingerprint.ts";
import type { ErrorKind } from "./holdfast-error.ts";
import { maxPatternLength } from "./message-pattern.ts";

/**
 * Reads what an error is grouped by. What has a kind and a code is taken as it is; anything else is classified first.
 * Texts are cut, and cut ones are copies: nothing keeps a long message alive.
 */
export function readIdentity(
  error: unknown,
  operation: string | undefined,
  withFrame: boolean,
  classifyError: Classify = classify,
): ErrorIdentity {
  const known = readKnown(error, operation, withFrame);
  if (known !== undefined) return known;
  return (
    readKnown(classified(error, operation, classifyError), operation, withFrame) ?? {
      kind: "system",
      code: "UNCLASSIFIED",
      operation: bounded(operation, maxNameLength),
      message: bounded(new ErrorShape(error).message, maxPatternLength),
      frame: "",
    }
  );
}

/** A program's own `classify` may throw; what it was asked about still counts. */
function classified(error: unknown, operation: string | undefined, classifyError: Classify): unknown {
  try {
    return classifyError(error, operation === undefined ? {} : { operation });
  } catch {
    return undefined;
  }
}

/** Characters of a code, operation or frame that count. */
const maxNameLength = 256;

const kinds: ReadonlySet<unknown> = new Set(Object.keys(transientKinds));

interface Readable {
  readonly kind?: unknown;
  readonly code?: unknown;
  readonly operation?: unknown;
  readonly message?: unknown;
}

/** On the way of every record, so it reads the properties plainly; undefined for what has no kind and code to read. */
function readKnown(error: unknown, operation: string | undefined, withFrame: boolean): ErrorIdentity | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  try {
    const { kind, code, operation: own, message } = error as Readable;
    if (typeof code !== "string" || !kinds.has(kind)) return undefined;
    return {
      kind: kind as ErrorKind,
      code: bounded(code, maxNameLength),
      operation: bounded(operation ?? own, maxNameLength),
      message: bounded(message, maxPatternLength),
      frame: withFrame ? bounded(frameOf(error), maxNameLength) : "",
    };
  } catch {
    // A getter or proxy that throws.
    return undefined;
  }
}

function bounded(value: unknown, length: number): string {
  if (typeof value !== "string") return "";
  return value.length > length ? detached(value, length) : value;
}
