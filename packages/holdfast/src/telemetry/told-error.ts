/** An error as an event carries it: text, whatever was thrown. */
export interface ToldError {
  /** Its class, or `thrown` for what is no error. */
  readonly name: string;
  readonly code: string | null;
  /** At most 500 characters. */
  readonly message: string;
}

const maxMessage = 500;
const maxName = 64;

export function toldError(error: unknown): ToldError {
  try {
    if (typeof error !== "object" || error === null) {
      return { name: "thrown", code: null, message: String(error).slice(0, maxMessage) };
    }
    const { name, code, message } = error as Partial<Record<keyof ToldError, unknown>>;
    return {
      name: (typeof name === "string" ? name : "thrown").slice(0, maxName),
      code: typeof code === "string" ? code.slice(0, maxName) : null,
      message: (typeof message === "string" ? message : "").slice(0, maxMessage),
    };
  } catch {
    // One whose properties throw.
    return { name: "thrown", code: null, message: "" };
  }
}
