import { InvalidArgumentError } from "../../errors/base.ts";

type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "parameter"; readonly name: string }
  | { readonly kind: "any" }
  | { readonly kind: "rest" };

/** The more, the more specific; a path that ends here beats one that may go on. */
const weights: Readonly<Record<Segment["kind"], number>> = { literal: 3, parameter: 2, any: 1, rest: 0 };
const weightOfEnd = 4;
const maxLength = 2_000;

/** Which paths a route is for: `/users/:id`, `/files/*` (one segment), `/files/**` (any number of them). */
export class PathPattern {
  readonly text: string;
  readonly #segments: readonly Segment[];

  /** @throws InvalidArgumentError that names `name` */
  constructor(name: string, text: unknown) {
    if (typeof text !== "string" || !text.startsWith("/") || text.length > maxLength) {
      throw new InvalidArgumentError(name, `must be a path that starts with / (at most ${maxLength} letters)`, text);
    }
    if (/[?#]/.test(text))
      throw new InvalidArgumentError(name, "must have no ? and no #; there is query for that", text);
    this.text = text;
    const parts = text.slice(1).split("/");
    this.#segments = parts.map((part, at) => readSegment(name, text, part, at === parts.length - 1));
    const names = this.#segments.flatMap((segment) => (segment.kind === "parameter" ? [segment.name] : []));
    if (new Set(names).size < names.length) throw new InvalidArgumentError(name, "must name no parameter twice", text);
  }

  /** What stands in place of the parameters; undefined when the path is another. Segments come decoded. */
  match(path: readonly string[]): Readonly<Record<string, string>> | undefined {
    const found: [string, string][] = [];
    for (const [at, segment] of this.#segments.entries()) {
      if (segment.kind === "rest") return Object.fromEntries(found);
      const part = path[at];
      if (part === undefined) return undefined;
      if (segment.kind === "literal" ? segment.text !== part : part === "") return undefined;
      if (segment.kind === "parameter") found.push([segment.name, part]);
    }
    return path.length === this.#segments.length ? Object.fromEntries(found) : undefined;
  }

  /** Negative when this one is more specific, where both match a path. */
  compare(other: PathPattern): number {
    const length = Math.max(this.#segments.length, other.#segments.length);
    for (let at = 0; at < length; at++) {
      const difference = weigh(other.#segments[at]) - weigh(this.#segments[at]);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

/** The segments of a request's path, decoded one by one, so that `%2F` stays inside its own; undefined when malformed. */
export function decodePath(path: string): readonly string[] | undefined {
  try {
    return path.slice(1).split("/").map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function weigh(segment: Segment | undefined): number {
  return segment === undefined ? weightOfEnd : weights[segment.kind];
}

function readSegment(name: string, text: string, part: string, isLast: boolean): Segment {
  if (part === "*") return { kind: "any" };
  if (part === "**") {
    if (isLast) return { kind: "rest" };
    throw new InvalidArgumentError(name, "must have ** only at its end", text);
  }
  if (part.startsWith(":")) {
    if (/^:[A-Za-z_]\w{0,63}$/.test(part)) return { kind: "parameter", name: part.slice(1) };
    throw new InvalidArgumentError(name, "must name its parameters with letters, digits and _", text);
  }
  try {
    return { kind: "literal", text: decodeURIComponent(part) };
  } catch {
    throw new InvalidArgumentError(name, "must be percent-encoded correctly", text);
  }
}
