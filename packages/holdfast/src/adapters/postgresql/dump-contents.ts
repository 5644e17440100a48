/** An entry in the table of contents of a dump, as `pg_restore --list --verbose` writes it. */
export interface DumpEntry {
  readonly id: number;
  /** The whole line: what a list for `pg_restore` is made of. */
  readonly line: string;
  /** `TABLE public ledger postgres`. */
  readonly description: string;
  /** Entries that must be there before. */
  readonly dependsOn: readonly number[];
}

const entryPattern = /^(\d+); \d+ \d+ (.+)$/;
const dependsPattern = /^;\s*depends on:([\d ]+)$/;

/** None of what is no table of contents. */
export function readDumpContents(listing: string): readonly DumpEntry[] {
  const entries: { id: number; line: string; description: string; dependsOn: readonly number[] }[] = [];
  for (const line of listing.split("\n")) {
    const entry = entryPattern.exec(line);
    if (entry !== null) {
      entries.push({ id: Number(entry[1]), line, description: entry[2] ?? "", dependsOn: [] });
      continue;
    }
    const depends = dependsPattern.exec(line);
    const last = entries.at(-1);
    if (depends !== null && last !== undefined) last.dependsOn = (depends[1] ?? "").trim().split(/ +/).map(Number);
  }
  return entries;
}

/** How many tables a dump holds. */
export function tablesIn(entries: readonly DumpEntry[]): number {
  return entries.filter(({ description }) => /^TABLE (?!DATA )/.test(description)).length;
}

/**
 * The tables, and all that goes with them when one is dropped with CASCADE: rows, sequences, defaults, constraints, also
 * those of other tables that refer to them, indexes, triggers, views. In the dump's order. Tables are `schema.name`.
 */
export function entriesOfTables(
  entries: readonly DumpEntry[],
  tables: readonly string[],
): { readonly entries: readonly DumpEntry[]; readonly missing: readonly string[] } {
  const chosen = new Set<number>();
  const missing: string[] = [];
  for (const table of tables) {
    const at = table.indexOf(".");
    const start = `TABLE ${table.slice(0, at)} ${table.slice(at + 1)} `;
    const entry = entries.find(({ description }) => description.startsWith(start));
    if (entry === undefined) missing.push(table);
    else chosen.add(entry.id);
  }
  // Other tables refer to these by constraints, which come along; they themselves do not depend on them.
  for (let grew = true; grew;) {
    grew = false;
    for (const { id, dependsOn } of entries) {
      if (chosen.has(id) || !dependsOn.some((needed) => chosen.has(needed))) continue;
      chosen.add(id);
      grew = true;
    }
  }
  return { entries: entries.filter(({ id }) => chosen.has(id)), missing };
}
