import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { parseAddress } from "holdfast/consensus";
import type { Address } from "holdfast/runtime";

/** By `HOST:PORT`: where its traffic goes instead. */
export type Routes = ReadonlyMap<string, Address>;

/** Of streams, and of datagrams, which have routes of their own. */
export interface RouteTables {
  readonly streams: Routes;
  readonly datagrams: Routes;
}

/** As a file holds it: `HOST:PORT` to `HOST:PORT`. */
export interface RouteDocument {
  readonly tcp: Readonly<Record<string, string>>;
  readonly udp: Readonly<Record<string, string>>;
}

/** A file is looked at again after this time. */
const lookMs = 50;

/** Replaces a member's routes at once: whoever reads finds the old ones or the new ones. */
export function writeRouteFile(file: string, document: RouteDocument): void {
  writeFileSync(`${file}.new`, JSON.stringify(document));
  renameSync(`${file}.new`, file);
}

/**
 * A member's routes as its file says now: members come and go while it runs. What cannot be read changes nothing.
 *
 * @throws Error when the file cannot be read at first
 */
export function routeFile(file: string, now: () => number = () => performance.now()): () => RouteTables {
  let version = versionOf(file);
  let tables = readTables(file);
  let lookedMs = now();
  return () => {
    if (now() - lookedMs < lookMs) return tables;
    lookedMs = now();
    try {
      const found = versionOf(file);
      if (found !== version) tables = readTables(file);
      version = found;
    } catch {
      // Whoever wrote it is gone, and with it the need for others.
    }
    return tables;
  };
}

/** A file that has taken another's place is another. */
function versionOf(file: string): string {
  const { ino, mtimeMs, size } = statSync(file);
  return `${ino} ${mtimeMs} ${size}`;
}

function readTables(file: string): RouteTables {
  const { tcp, udp } = JSON.parse(readFileSync(file, "utf8")) as RouteDocument;
  return { streams: tableOf(tcp, file), datagrams: tableOf(udp, file) };
}

function tableOf(routes: Readonly<Record<string, string>>, file: string): Routes {
  return new Map(
    Object.entries(routes).map(([from, text]) => {
      const to = parseAddress(text);
      if (to === undefined) throw new Error(`${file}: ${from} must lead to HOST:PORT (got ${JSON.stringify(text)})`);
      return [from, to];
    }),
  );
}
