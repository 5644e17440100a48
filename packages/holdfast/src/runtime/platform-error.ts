/** Linux's error numbers, as Node reports them: negative. */
const numbers = {
  EADDRINUSE: [-98, "address already in use"],
  EADDRNOTAVAIL: [-99, "address not available"],
  EBADF: [-9, "bad file descriptor"],
  ECONNREFUSED: [-111, "connection refused"],
  ECONNRESET: [-104, "connection reset by peer"],
  EEXIST: [-17, "file already exists"],
  EINVAL: [-22, "invalid argument"],
  EIO: [-5, "i/o error"],
  EISDIR: [-21, "illegal operation on a directory"],
  ELOCKED: [-11, "resource temporarily unavailable"],
  ENOENT: [-2, "no such file or directory"],
  ENOSPC: [-28, "no space left on device"],
  ENOTDIR: [-20, "not a directory"],
  ENOTEMPTY: [-39, "directory not empty"],
  ENOTFOUND: [-3008, "unknown host"],
  ETIMEDOUT: [-110, "connection timed out"],
} as const;

/** The codes that the worlds give alike; others pass through from the platform. */
export type PlatformErrorCode = keyof typeof numbers;

/** An error as the platform reports it. */
export interface PlatformError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
}

/** Makes an error of the shape and wording of Node's own: `ENOENT: no such file or directory, open '/a'`. */
export function platformError(
  code: PlatformErrorCode,
  syscall: string,
  subject: string,
  detail?: string,
): PlatformError {
  const [errno, meaning] = numbers[code];
  return Object.assign(new Error(`${code}: ${detail ?? meaning}, ${syscall} ${subject}`), { code, errno, syscall });
}

/** The `code` of an error of the platform, or undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
