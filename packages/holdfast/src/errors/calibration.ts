/** Log-odds beyond this are taken for it: one chance in ten thousand. */
const most = Math.log(9_999);
const bins = 64;
/** About how many predictions are remembered; older ones fade. */
const maxPredictions = 20_000;
/** How many independent predictions the belief is worth that a model means what it says. */
const trust = 200;
const refitEvery = 20;

/** What a model means by its probabilities, as `a ln p - b ln (1 - p) + c` in log-odds. */
type Curve = readonly [a: number, b: number, c: number];

const identity: Curve = [1, 1, 0];

/**
 * Corrects a model by what came of its earlier predictions: beta calibration (M. Kull, T. Silva Filho, P. Flach, "Beta
 * calibration", AISTATS 2017, section 3), drawn towards no correction as long as there is little to judge by. It is told
 * only predictions that were made before the model learnt what came of them. Memory is bounded: predictions are counted in
 * bins of their log-odds.
 */
export class Calibration {
  readonly #weight: number;
  readonly #counts: Float64Array = new Float64Array(bins);
  readonly #happened: Float64Array = new Float64Array(bins);
  /** The sum of what each bin's predictions said, in log-odds. */
  readonly #logOdds: Float64Array = new Float64Array(bins);
  #total = 0;
  #sinceFit = 0;
  #curve: Curve = identity;

  /** @param overlap how many predictions in a row are about nearly the same time, and so count as one */
  constructor(overlap: number) {
    this.#weight = 1 / overlap;
  }

  /** What came of a prediction, as the model made it. */
  add(probability: number, happened: boolean): void {
    const logOdds = toLogOdds(probability);
    const bin = Math.min(bins - 1, Math.floor(((logOdds + most) / (2 * most)) * bins));
    this.#counts[bin] = (this.#counts[bin] as number) + 1;
    this.#logOdds[bin] = (this.#logOdds[bin] as number) + logOdds;
    if (happened) this.#happened[bin] = (this.#happened[bin] as number) + 1;
    this.#total++;
    this.#sinceFit++;
    if (this.#total > maxPredictions) this.#fade(0.9);
  }

  /** The model's probability, corrected; never 0 or 1. */
  apply(probability: number): number {
    if (this.#sinceFit >= refitEvery) {
      this.#sinceFit = 0;
      this.#curve = this.#fit();
    }
    return 1 / (1 + Math.exp(-valueAt(this.#curve, toLogOdds(probability))));
  }

  #fade(share: number): void {
    for (const values of [this.#counts, this.#happened, this.#logOdds]) {
      for (let bin = 0; bin < bins; bin++) values[bin] = (values[bin] as number) * share;
    }
    this.#total *= share;
  }

  /** More must never become less: a slope that would fall is held at zero, and the rest fitted again. */
  #fit(): Curve {
    const free: [number, number, number] = [1, 1, 1];
    for (;;) {
      const curve = this.#descend(free);
      const steepest = curve[0] <= curve[1] ? 0 : 1;
      if (curve[steepest] >= 0) return curve;
      free[steepest] = 0;
    }
  }

  /** Newton's method, damped; `free` has 0 for a slope that is held at zero. The belief makes the least unique. */
  #descend(free: Curve): Curve {
    let curve: Curve = [free[0], free[1], 0];
    for (let round = 0; round < 20; round++) {
      const gradient = curve.map((value, i) => trust * (value - (identity[i] as number)));
      const curvature = [
        [trust, 0, 0],
        [0, trust, 0],
        [0, 0, trust],
      ];
      for (let bin = 0; bin < bins; bin++) {
        const count = this.#counts[bin] as number;
        if (count === 0) continue;
        const logOdds = (this.#logOdds[bin] as number) / count;
        const said = 1 / (1 + Math.exp(-valueAt(curve, logOdds)));
        const terms = termsOf(logOdds);
        const off = this.#weight * (count * said - (this.#happened[bin] as number));
        const spread = this.#weight * count * said * (1 - said);
        for (let i = 0; i < 3; i++) {
          gradient[i] = (gradient[i] as number) + off * (terms[i] as number);
          const row = curvature[i] as number[];
          for (let j = 0; j < 3; j++)
            row[j] = (row[j] as number) + spread * (terms[i] as number) * (terms[j] as number);
        }
      }
      for (let i = 0; i < 3; i++) {
        if (free[i] === 1) continue;
        gradient[i] = 0;
        curvature[i] = [0, 0, 0];
        for (const row of curvature) row[i] = 0;
        (curvature[i] as number[])[i] = 1;
      }
      const step = solve(curvature, gradient);
      // Far from the least, a full step may leap over it: half as far, until it gets better.
      const loss = this.#lossOf(curve);
      let next = curve;
      for (let length = 1; length > 1e-3; length /= 2) {
        const tried = moved(curve, step, length);
        if (this.#lossOf(tried) >= loss) continue;
        next = tried;
        break;
      }
      if (next === curve) break;
      curve = next;
    }
    return curve;
  }

  /** What `#descend` makes least: how unlikely the curve makes what happened, and how far it is from the belief. */
  #lossOf(curve: Curve): number {
    let loss = 0;
    for (let i = 0; i < 3; i++) loss += (trust / 2) * ((curve[i] as number) - (identity[i] as number)) ** 2;
    for (let bin = 0; bin < bins; bin++) {
      const count = this.#counts[bin] as number;
      if (count === 0) continue;
      const value = valueAt(curve, (this.#logOdds[bin] as number) / count);
      // The logarithm of 1 + e^value, which must not overflow.
      const whole = Math.max(0, value) + Math.log1p(Math.exp(-Math.abs(value)));
      loss += this.#weight * (count * whole - (this.#happened[bin] as number) * value);
    }
    return loss;
  }
}

function moved(curve: Curve, step: readonly number[], length: number): Curve {
  const at = (i: 0 | 1 | 2): number => curve[i] - length * (step[i] as number);
  return [at(0), at(1), at(2)];
}

function toLogOdds(probability: number): number {
  return Math.max(-most, Math.min(most, Math.log(probability / (1 - probability))));
}

/** ln p, -ln (1 - p) and 1. */
function termsOf(logOdds: number): Curve {
  return [-Math.log1p(Math.exp(-logOdds)), Math.log1p(Math.exp(logOdds)), 1];
}

function valueAt(curve: Curve, logOdds: number): number {
  const [lower, upper] = termsOf(logOdds);
  return curve[0] * lower + curve[1] * upper + curve[2];
}

/** Gauss's elimination; the matrix is symmetric and positive, so that no pivot vanishes. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] as number]);
  for (let i = 0; i < rows.length; i++) {
    const pivot = rows[i] as number[];
    for (let j = i + 1; j < rows.length; j++) {
      const row = rows[j] as number[];
      const factor = (row[i] as number) / (pivot[i] as number);
      for (let k = i; k < row.length; k++) row[k] = (row[k] as number) - factor * (pivot[k] as number);
    }
  }
  const solution = right.map(() => 0);
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i] as number[];
    let value = row[rows.length] as number;
    for (let j = i + 1; j < rows.length; j++) value -= (row[j] as number) * (solution[j] as number);
    solution[i] = value / (row[i] as number);
  }
  return solution;
}
