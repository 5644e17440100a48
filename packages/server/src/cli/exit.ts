import { HoldfastError } from "holdfast/errors/base";

/** What the command tells the shell: done, refused or violated, called wrongly, or stopped by its surroundings. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, environment: 3 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends the command with an exit code; the message is for the person at the terminal and names the next step. */
export class ExitError extends HoldfastError {
  static override readonly brand: string = "ExitError";

  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, cause?: unknown) {
    const kind = exitCode === exitCodes.environment ? "resource" : "business";
    const code = { 0: "OK", 1: "FAILED", 2: "USAGE", 3: "ENVIRONMENT" }[exitCode];
    super(message, cause === undefined ? { code, kind } : { code, kind, cause });
    this.exitCode = exitCode;
  }
}

export const usageError = (message: string): ExitError => new ExitError(exitCodes.usage, message);

export const failure = (message: string, cause?: unknown): ExitError => new ExitError(exitCodes.failed, message, cause);

export const environmentError = (message: string, cause?: unknown): ExitError =>
  new ExitError(exitCodes.environment, message, cause);
