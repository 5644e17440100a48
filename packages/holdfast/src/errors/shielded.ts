/**
 * A listener as it is called here: what it throws is its own affair, and counted. `undefined` where nobody listens, so
 * that nothing is made for nobody.
 */
export function shielded<Told extends readonly unknown[]>(
  listener: ((...told: Told) => void) | undefined,
  onThrown: () => void,
): ((...told: Told) => void) | undefined {
  if (listener === undefined) return undefined;
  return (...told) => {
    try {
      listener(...told);
    } catch {
      onThrown();
    }
  };
}
