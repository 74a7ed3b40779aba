import { ContextFullError } from '../decoder/errors';

/** Rules for a prompt that does not fit: refuse it, or drop tokens from its start or its middle. */
export type CutRule = 'refuse' | 'keepEnd' | 'keepBothEnds';

/** The dropped part of a prompt; the caller shows it. */
export interface PromptCut {
  rule: CutRule;
  /** Tokens [from, to) of the prompt that the model does not read. */
  from: number;
  to: number;
}

export interface FittedPrompt {
  tokens: number[];
  /** Absent when the whole prompt fits. */
  cut?: PromptCut;
}

/**
 * Makes a prompt fit, exactly. The context itself counts rows (`rowsNeeded`), because the cost of a token depends on
 * the policy.
 *
 * @param rowsNeeded rows that reading these tokens would take
 * @param free rows that are free
 * @param newTokens tokens to be written after the prompt; all except the last need rows too
 * @param keepStart first tokens that no rule drops (begin-of-sequence, sinks)
 * @throws ContextFullError when the rule is 'refuse', or when not even one token of the prompt fits
 */
export function fitPrompt(
  tokens: readonly number[],
  rowsNeeded: (tokens: readonly number[]) => number,
  free: number,
  newTokens: number,
  rule: CutRule,
  keepStart = 1,
): FittedPrompt {
  const answer = new Array<number>(Math.max(0, newTokens - 1)).fill(-1);
  const needs = (prompt: readonly number[]) => rowsNeeded([...prompt, ...answer]);
  const whole = needs(tokens);
  if (whole <= free) return { tokens: [...tokens] };
  if (rule === 'refuse') throw new ContextFullError(whole, free);

  const kept = (length: number): FittedPrompt => {
    const head = Math.min(length - 1, rule === 'keepEnd' ? keepStart : Math.max(keepStart, Math.floor(length / 2)));
    const start = tokens.slice(0, Math.max(0, head));
    const to = tokens.length - (length - start.length);
    return { tokens: [...start, ...tokens.slice(to)], cut: { rule, from: start.length, to } };
  };
  // Rows grow with the number of tokens, so bisection finds the longest prompt that fits.
  let fits = 0;
  let tooLong = tokens.length;
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (needs(kept(middle).tokens) <= free) fits = middle;
    else tooLong = middle;
  }
  if (fits === 0) throw new ContextFullError(needs(tokens.slice(-1)), free);
  return kept(fits);
}
