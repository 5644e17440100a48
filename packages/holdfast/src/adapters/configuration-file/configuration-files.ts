import { constants } from "node:fs";
import { lstat, open, realpath, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { randomUUID } from "node:crypto";
import { checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { StepFailure, type ConfigurationFiles } from "../../recovery/index.ts";

export interface ConfigurationFilesOptions {
  /** Directories below which files may be changed, wherever links lead. */
  readonly roots: readonly string[];
  /** Of one file. Default 256 KiB. */
  readonly maxBytes?: number;
}

const fileMode = 0o644;

/**
 * Files of this machine that hold configuration. One is replaced as a whole: its new text is written beside it, synced, and
 * takes its place, with its mode and its owner; a reader sees the old text or the new one, also after a power failure.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * configurationUpdate({ coordination, files: configurationFiles({ roots: ["/etc/shop"] }) });
 */
export function configurationFiles(options: ConfigurationFilesOptions): ConfigurationFiles {
  checkOptionNames("configurationFiles", options, ["roots", "maxBytes"]);
  const { maxBytes = 256 * 1024 } = options;
  if (!Array.isArray(options.roots) || options.roots.some((root) => typeof root !== "string" || root === "")) {
    throw new InvalidArgumentError("configurationFiles.roots", "must be a list of directories", options.roots);
  }
  checkInteger("configurationFiles.maxBytes", maxBytes, 1, 1024 * 1024);
  const roots = options.roots.map((root) => resolve(root));
  const refuses = (path: string): string | undefined => {
    if (path.includes("\0") || !isAbsolute(path)) return "must be an absolute path";
    const isBelow = roots.some((root) => isInside(root, resolve(path)));
    return isBelow ? undefined : `must be below ${roots.join(" or ") || "a root, of which there are none"}`;
  };

  /** Where it really is. @throws StepFailure when that is nowhere below the roots */
  async function placeOf(path: string): Promise<string> {
    const broken = refuses(path);
    if (broken !== undefined) throw new StepFailure("configuration", `${path} ${broken}`);
    const place = await followed(path);
    const real = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
    if (real.some((root) => isInside(root, place))) return place;
    throw new StepFailure("configuration", `${path} is ${place}, which is not below ${roots.join(" or ")}`);
  }

  async function readText(path: string): Promise<string | null> {
    let file: FileHandle;
    try {
      // Not to wait for whoever would write into a pipe.
      file = await open(await placeOf(path), constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
    try {
      const about = await file.stat();
      if (!about.isFile()) throw new StepFailure("configuration", `${path} is no file`);
      if (about.size > maxBytes) {
        throw new StepFailure("configuration", `${path} has ${about.size} bytes, more than ${maxBytes}`);
      }
      const bytes = await file.readFile();
      try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch (cause) {
        throw new StepFailure("configuration", `${path} is no text in UTF-8`, { cause });
      }
    } finally {
      await file.close();
    }
  }

  async function replace(path: string, text: string | null, signal: AbortSignal): Promise<void> {
    const place = await placeOf(path);
    const directory = dirname(place);
    if (text === null) {
      await rm(place, { force: true });
    } else {
      if (Buffer.byteLength(text) > maxBytes) {
        throw new StepFailure("configuration", `the new text has more than ${maxBytes} bytes`);
      }
      const draft = join(directory, `.${basename(place)}.${randomUUID()}`);
      try {
        await write(draft, text, await stat(place).catch(() => undefined));
        signal.throwIfAborted();
        await rename(draft, place);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    }
    await syncDirectory(directory);
  }

  return { refuses, read: (path) => readText(path), replace: (path, text, { signal }) => replace(path, text, signal) };
}

async function write(
  draft: string,
  text: string,
  old: { readonly mode: number; readonly uid: number; readonly gid: number } | undefined,
): Promise<void> {
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(text);
    // Before its mode: a change of the owner may take bits of it away. Only root may give files away.
    if (old !== undefined && process.getuid?.() === 0) await file.chown(old.uid, old.gid);
    await file.chmod((old?.mode ?? fileMode) & 0o7777);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const file = await open(directory, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Through links, also where the file itself is not there yet. */
async function followed(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    // A link to nowhere would be replaced by a file, and its target be forgotten.
    if (await lstat(path).catch(() => undefined)) {
      throw new StepFailure("configuration", `${path} is a link to what is not there`, { cause: error });
    }
    return join(await realpath(dirname(path)), basename(path));
  }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
