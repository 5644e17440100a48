import { styleText } from "node:util";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Where a command writes: data to stdout, everything said along the way to stderr. */
export interface Terminal {
  /** One line of data. */
  out(line: string): void;
  /** One line of progress or advice. */
  err(line: string): void;
  /** The one document of `--json`. */
  document(value: unknown): void;
  /** Bytes unaltered. */
  raw(text: string | Uint8Array): void;
  /** Styles for stdout; plain text when it is no terminal, or NO_COLOR is set. */
  readonly style: (style: Style, text: string) => string;
  readonly styleErr: (style: Style, text: string) => string;
  /** Whether stdout can be redrawn: a terminal, not dumb, not a build machine's. */
  readonly live: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Calls back when the terminal's size changes, until the returned function is called. */
  onResize(listener: () => void): () => void;
}

export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  // A reader that left (`holdfast get … | head`) is no failure of ours.
  stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  return {
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    document: (value) => void stdout.write(`${JSON.stringify(value, undefined, stdout.isTTY ? 2 : undefined)}\n`),
    raw: (text) => void stdout.write(text),
    style: (style, text) => styleText(style, text, { stream: stdout }),
    styleErr: (style, text) => styleText(style, text, { stream: stderr }),
    live: stdout.isTTY && env["TERM"] !== "dumb" && (env["CI"] ?? "") === "",
    get columns() {
      return stdout.columns ?? 80;
    },
    get rows() {
      return stdout.rows ?? 24;
    },
    onResize: (listener) => {
      stdout.on("resize", listener);
      return () => void stdout.off("resize", listener);
    },
  };
}

/** Text from somebody else, without what would move the cursor or change colours. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?");
}

/** Waits until everything written has left the process. */
export async function flushTerminal(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => void stream.write("", () => resolve()));
  }
}
