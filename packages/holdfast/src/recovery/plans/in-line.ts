/** Who waits for a thing that one at a time may use. */
const lines = new WeakMap<object, Promise<unknown>>();

/** Does some work when all that came before with the same thing has ended. */
export async function inLine<T>(thing: object, work: () => Promise<T>): Promise<T> {
  const before = lines.get(thing) ?? Promise.resolve();
  const mine = before.then(work);
  lines.set(
    thing,
    mine.catch(() => undefined),
  );
  return await mine;
}
