/** Returns a generator of numbers in [0, 1). The seed makes a bench repeatable. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** 95% interval of the mean of paired differences, by bootstrap. */
export function interval(differences: readonly number[]): [number, number] {
  if (differences.length === 0) return [0, 0];
  const random = generator(7);
  const means = Array.from({ length: 2_000 }, () => {
    let sum = 0;
    for (let i = 0; i < differences.length; i++)
      sum += differences[Math.floor(random() * differences.length)] as number;
    return sum / differences.length;
  }).sort((a, b) => a - b);
  return [means[50] as number, means[1_949] as number];
}

/** Slope of log y over log x, by least squares. */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const [x, y] = [mean(logs.map((point) => point[0])), mean(logs.map((point) => point[1]))];
  return (
    logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) /
    logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
  );
}
