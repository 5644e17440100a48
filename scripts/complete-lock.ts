import { readFileSync, writeFileSync } from "node:fs";

/**
 * Completes package-lock.json after `npm install`: a registry that lacks a tool's binary for some other platform makes
 * npm leave that optional package out of the lock file, and `npm ci` then refuses the file as out of step. An entry with
 * the package's platform is all it wants; the package is only ever fetched on that platform.
 */
interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const processors = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64", "wasm32"];
const libraries: Readonly<Record<string, string>> = {
  gnu: "glibc",
  gnueabihf: "glibc",
  musl: "musl",
  musleabihf: "musl",
};

/** The platform that a package is for, by the words of its name; undefined when it names none. */
export function platformOf(name: string): Pick<LockEntry, "os" | "cpu" | "libc"> | undefined {
  const words = name.split(/[/-]/);
  const cpu = words.filter((word) => processors.includes(word));
  const os = words.filter((word) => systems.includes(word));
  const libc = words.flatMap((word) => libraries[word] ?? []);
  if (cpu.length !== 1 || (os.length !== 1 && cpu[0] !== "wasm32")) return undefined;
  return { cpu, ...(os.length === 0 ? {} : { os }), ...(libc.length === 0 ? {} : { libc }) };
}

/** The entries that are missing, by their place in the lock file. */
export function missingEntries(packages: Readonly<Record<string, LockEntry>>): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const [parent, { dev, optionalDependencies = {} }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const platform = platformOf(name);
      const places = [`${parent}/node_modules/${name}`, `node_modules/${name}`];
      if (platform === undefined || places.some((place) => packages[place]?.version === version)) continue;
      const place = packages[places[1]!] === undefined ? places[1]! : places[0]!;
      missing[place] = { version, ...(dev === true ? { dev } : {}), optional: true, ...platform };
    }
  }
  return missing;
}

if (import.meta.main) {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, LockEntry> };
  const missing = missingEntries(lock.packages);
  const packages = Object.entries({ ...lock.packages, ...missing }).toSorted(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(
    "package-lock.json",
    `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`,
  );
  console.log(`${Object.keys(missing).length} entries for other platforms added to package-lock.json`);
}
