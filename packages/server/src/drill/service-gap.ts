/** A write that was acknowledged: when the client knew, and in which term the member answered. */
export interface Acknowledgement {
  readonly atMs: number;
  readonly term: number;
}

/**
 * Time without service after a leader's death: to the first acknowledgement of a newer term. Acknowledgements of the
 * old term that arrive after the death were on their way already, and are no service.
 *
 * Undefined while there is none.
 */
export function serviceGap(
  acknowledgements: readonly Acknowledgement[],
  fault: { readonly atMs: number; readonly term: number },
): number | undefined {
  const first = acknowledgements.find((ack) => ack.atMs >= fault.atMs && ack.term > fault.term);
  return first === undefined ? undefined : first.atMs - fault.atMs;
}

/** The longest time between two acknowledgements that follow each other; undefined for fewer than two. */
export function longestSilence(acknowledgements: readonly Acknowledgement[]): number | undefined {
  let longest: number | undefined;
  for (let index = 1; index < acknowledgements.length; index++) {
    const silence = (acknowledgements[index]?.atMs ?? 0) - (acknowledgements[index - 1]?.atMs ?? 0);
    longest = Math.max(longest ?? 0, silence);
  }
  return longest;
}

/** The middle value, the mean of the two middle ones for an even count; undefined for none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
