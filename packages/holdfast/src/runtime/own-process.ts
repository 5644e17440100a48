type NodeProcess = Pick<typeof process, "pid" | "env" | "emitWarning" | "getBuiltinModule">;

/** Absent where a program runs in something else than a process. */
const found: Partial<NodeProcess> | undefined = (globalThis as { readonly process?: NodeProcess }).process;

/** Tells this process apart from others, for people: `web-3:4711`; empty where there is none. */
export function ownProcessName(): string {
  const host = found?.getBuiltinModule?.("node:os").hostname().slice(0, 80);
  return host === undefined ? "" : `${host}:${found?.pid ?? 0}`;
}

/** What the environment of this process says; undefined when it says nothing. */
export function ownVariable(name: string): string | undefined {
  const value = found?.env?.[name];
  return value === "" ? undefined : value;
}

/** Says something to whoever runs this process, where such things are said. */
export function warnOwner(text: string): void {
  found?.emitWarning?.(text, { type: "HoldfastWarning" });
}
