/** Only the first of a stack is searched: characters, not lines. */
const searched = 2048;

/**
 * The topmost line of a stack that is the program's own: not Node's, not of `node_modules`. It is told as the function and
 * the last two names of the path; without a function, the path and the line. Columns are left out: they change with every
 * build. Empty when there is none, or the stack is not V8's.
 */
export function ownFrame(stack: string | undefined): string {
  if (stack === undefined) return "";
  let from = stack.indexOf("\n    at ");
  while (from >= 0 && from < searched) {
    const start = from + 8;
    from = stack.indexOf("\n", start);
    const line = stack.slice(start, from < 0 ? Math.min(stack.length, start + searched) : from);
    if (isOwn(line)) return told(line);
    if (from >= 0 && !stack.startsWith("\n    at ", from)) from = stack.indexOf("\n    at ", from);
  }
  return "";
}

function isOwn(line: string): boolean {
  if (line.includes("/node_modules/") || line.includes("\\node_modules\\")) return false;
  if (line.includes("node:") || line.includes("<anonymous>") || line.endsWith("native)")) return false;
  // A place has a line and a column; `new Promise` and the like have none.
  return /:\d+:\d+\)?$/.test(line);
}

function told(line: string): string {
  const open = line.lastIndexOf(" (");
  const place = open < 0 ? line : line.slice(open + 2, -1);
  const name = open < 0 ? "" : line.slice(line.startsWith("async ") ? 6 : 0, open);
  const column = place.lastIndexOf(":");
  const lineAt = place.lastIndexOf(":", column - 1);
  const names = place.slice(0, lineAt).split(/[/\\]/);
  const path = names.slice(-2).join("/");
  return name === "" ? `${path.replace("async ", "")}:${place.slice(lineAt + 1, column)}` : `${name} ${path}`;
}
