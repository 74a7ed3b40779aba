import { round } from '../engine/measure';
import { interval, mean } from '../memory/statistics';

export const SYSTEMS = ['LM-Infinite', 'LongLoRA', 'AnLLM', 'UIO-LLMs', 'DCIS'] as const;
export type System = (typeof SYSTEMS)[number];

/** Results that users are shown with a system and without it, case by case. */
export interface Outcome {
  system: System;
  /** Its replacement when it is removed. */
  removed: string;
  /** The outcome, as a share of cases: "needles told". */
  shown: string;
  subject: string;
  /** The part of the bench that measured it. */
  part?: string;
  /** 1 or 0 for each case. Empty where there is nothing to remove. */
  with: readonly number[];
  without: readonly number[];
}

export interface Effect extends Outcome {
  difference: number;
  low: number;
  high: number;
  /** Whether the interval of the difference leaves out zero. */
  shows: boolean;
}

export function effectOf(outcome: Outcome): Effect {
  const differences = outcome.with.map((value, i) => value - (outcome.without[i] as number));
  const [low, high] = interval(differences);
  return { ...outcome, difference: mean(differences), low, high, shows: low > 0 || high < 0 };
}

/** A row of the table of effects. */
export function rowOf(effect: Effect): Record<string, string | number> {
  const { system, removed, shown, subject, difference, low, high, shows } = effect;
  const cases = effect.with.length;
  return {
    system,
    removed,
    'shown outcome': `${shown} (${subject})`,
    cases,
    with: cases === 0 ? '–' : round(mean(effect.with), 3),
    without: cases === 0 ? '–' : round(mean(effect.without), 3),
    'difference (95%)': cases === 0 ? '–' : `${signed(difference)} [${signed(low)}, ${signed(high)}]`,
    shows: shows ? 'yes' : 'no',
  };
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
const percent = (share: number): string => `${Math.round(100 * share)}%`;

/**
 * README's sentences about the five systems: for each what its removal changes in what is shown, for better or worse,
 * or that it changes nothing. Systems that the run did not measure are named too.
 */
export function sentencesOf(effects: readonly Effect[]): string {
  const helps = SYSTEMS.flatMap((system) => strongest(effects, system, 1));
  const harms = SYSTEMS.filter((system) => !helps.some((each) => each.system === system)).flatMap((system) =>
    strongest(effects, system, -1),
  );
  const showing = new Set([...helps, ...harms].map(({ system }) => system));
  const measured = new Set(effects.map(({ system }) => system));
  const others = SYSTEMS.filter((system) => measured.has(system) && !showing.has(system));
  // An interval around zero says nothing while some cases differ.
  const open = others.flatMap((system) =>
    effects.filter((each) => each.system === system && differs(each)).slice(0, 1),
  );
  const still = others.filter((system) => !open.some((each) => each.system === system));
  const unknown = SYSTEMS.filter((system) => !measured.has(system));
  const parts = [
    'The engine implements LM-Infinite, LongLoRA, AnLLM, UIO-LLMs and DCIS.',
    helps.length > 0 ? `Removed one by one, less is shown without ${helps.map(changeOf).join('; ')}.` : '',
    harms.length > 0 ? `More is shown without ${harms.map(changeOf).join('; ')}.` : '',
    open.length > 0 ? `Too few cases decide about ${open.map(changeOf).join('; ')}.` : '',
    still.length > 0 ? `Removing ${listed(still)} changes nothing shown.` : '',
    unknown.length > 0 ? `Not measured: ${unknown.join(', ')}.` : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}

const differs = (effect: Effect): boolean => effect.with.some((value, i) => value !== effect.without[i]);

/** The largest effect of a system in one direction: 1 where it helps, −1 where its removal does. */
function strongest(effects: readonly Effect[], system: System, sign: 1 | -1): Effect[] {
  return effects
    .filter((effect) => effect.system === system && effect.shows && sign * effect.difference > 0)
    .sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference))
    .slice(0, 1);
}

function changeOf({ system, shown, removed, subject, ...effect }: Effect): string {
  const [less, more] = [percent(mean(effect.without)), percent(mean(effect.with))];
  const change = less === more ? `${less} of ${shown} either way` : `${less} of ${shown}, not ${more}`;
  return `${system}: ${change} (${subject}; ${removed})`;
}

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
