import { InvalidArgumentError } from "../errors/base.ts";

/**
 * For each name, everything it needs, directly or through others; and the names, whatever is needed before who needs it.
 *
 * @throws InvalidArgumentError on a cycle, naming it
 */
export function dependencyOrder(
  option: string,
  direct: ReadonlyMap<string, readonly string[]>,
): { readonly needs: ReadonlyMap<string, readonly string[]>; readonly order: readonly string[] } {
  const needs = new Map<string, readonly string[]>();
  const order: string[] = [];
  for (const root of direct.keys()) visit(root);
  return { needs, order };

  /** Without recursion: a chain may be as long as there are names. */
  function visit(root: string): void {
    const path: string[] = [];
    const stack: { readonly name: string; next: number }[] = [];
    const enter = (name: string): void => {
      path.push(name);
      stack.push({ name, next: 0 });
    };
    if (!needs.has(root)) enter(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { name } = top;
      const below = direct.get(name) ?? [];
      const child = below[top.next++];
      if (child === undefined) {
        stack.pop();
        path.pop();
        needs.set(name, [...new Set(below.flatMap((each) => [each, ...(needs.get(each) ?? [])]))]);
        order.push(name);
      } else if (path.includes(child)) {
        const cycle = [...path.slice(path.indexOf(child)), child].join(" -> ");
        throw new InvalidArgumentError(option, `must have no cycle: ${cycle}`, child);
      } else if (!needs.has(child)) enter(child);
    }
  }
}
