/** Grades that somebody gave by reading, with their reasons, and the rates that follow. */
import { readFileSync } from 'node:fs';
import type { Arm } from './lines';

export type Grade = 'right' | 'partly' | 'wrong' | 'none';

export interface Graded {
  in: string;
  ask: string;
  key: string;
  arm: Exclude<Arm, 'unanswerable'>;
  model: string;
  /** The rules of verification were written before anybody read this answer. */
  isHeldOut?: boolean;
  /** The prose as it was shown; for quotes their beginning. */
  shown: string;
  /** The text that the model wrote, before the verification. */
  draft?: string;
  /** `right` is right and complete; `none` gives no answer. */
  grade: Grade;
  /** A false statement is shown as fact. */
  isFalse: boolean;
  reason: string;
  /** Shown sentences of prose, and whether the cited lines support each. */
  sentences?: readonly { text: string; cited: string; isSupported: boolean; reason?: string }[];
}

/** Two-sided, 95%. */
const Z = 1.96;

export function printGrades(file: string): void {
  const all = JSON.parse(readFileSync(file, 'utf8')) as Graded[];
  console.log('Grades, with 95% intervals');
  for (const name of new Set(all.flatMap(groupsOf))) {
    const own = all.filter((graded) => groupsOf(graded).includes(name));
    const sentences = own.flatMap((graded) => graded.sentences ?? []);
    const count = (of: (graded: Graded) => boolean): number => own.filter(of).length;
    console.log(
      `${name}: ${own.length} questions; right and complete ${rate(
        count(({ grade }) => grade === 'right'),
        own.length,
      )}, partly ${count(({ grade }) => grade === 'partly')}; false statement shown ${rate(
        count(({ isFalse }) => isFalse),
        own.length,
      )}; with prose ${count((graded) => (graded.sentences ?? []).length > 0)}`,
    );
    if (sentences.length > 0)
      console.log(
        `  ${sentences.length} sentences: supported ${rate(sentences.filter(({ isSupported }) => isSupported).length, sentences.length)}`,
      );
  }
  for (const { in: folder, ask, key, arm, shown, grade, isFalse, reason } of all)
    console.log(
      `\n${folder}: ${ask}\n  key: ${key}\n  ${arm}: ${shown.replace(/\n+/g, ' ')}\n  ${grade}${isFalse ? ', FALSE' : ''}: ${reason}`,
    );
}

/** The groups that an answer counts for: all of its arm, and those with the same part in the making of the rules. */
function groupsOf({ arm, model, isHeldOut }: Graded): string[] {
  const name = `${model}, ${arm}`;
  return [name, `${name}, ${isHeldOut ? 'held out' : 'read while the rules were made'}`];
}

/** Wilson's interval of a share. */
function rate(count: number, of: number): string {
  const share = count / of;
  const middle = share + Z ** 2 / (2 * of);
  const spread = Z * Math.sqrt((share * (1 - share)) / of + Z ** 2 / (4 * of ** 2));
  const [low, high] = [-1, 1].map((side) => (middle + side * spread) / (1 + Z ** 2 / of)) as [number, number];
  const percent = (value: number): string => `${Math.round(100 * Math.min(1, Math.max(0, value)))}`;
  return `${percent(share)}% [${percent(low)}, ${percent(high)}]`;
}
