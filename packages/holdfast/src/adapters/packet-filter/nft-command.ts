import { spawn } from "node:child_process";

/** What `nft` said when it did not do what it should. */
export class NftFailure extends Error {
  /** There is no such table, or no such namespace any more: nothing is left of what was in it. */
  readonly isGone: boolean;

  constructor(message: string) {
    super(message);
    this.isGone = /No such file or directory|Cannot open network namespace/.test(message);
  }
}

const timeoutMs = 10_000;

/** Runs `nft`, in a network namespace if one is named, and gives what it prints. */
export function nft(args: readonly string[], namespace: string | undefined, input = ""): Promise<string> {
  const [program = "", ...line] = [
    ...(namespace === undefined ? [] : ["ip", "netns", "exec", namespace]),
    "nft",
    ...args,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(program, line, { timeout: timeoutMs, killSignal: "SIGKILL" });
    let said = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    // It ends before it has read everything when it refuses the line.
    child.stdin.on("error", () => undefined);
    child.on("error", (error: NodeJS.ErrnoException) => {
      const hint = error.code === "ENOENT" ? " (Debian: apt-get install nftables)" : "";
      // Not a table that is gone: a program that is not there.
      reject(new Error(`${program} cannot be run: ${error.code ?? error.message}${hint}`));
    });
    child.on("close", (code, signal) => {
      if (code === 0) resolve(said);
      else reject(new NftFailure(`nft ${args.join(" ")}: ${complaint.trim() || `ended with ${code ?? signal}`}`));
    });
    child.stdin.end(input);
  });
}
