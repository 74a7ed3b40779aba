/**
 * Small models find the lines that answer more often than they say what those mean: some of their sentences turn the
 * words of their lines round (docs/decisions/small-models-point.md). Their answers show the lines instead.
 */
import * as l10n from '@vscode/l10n';
import type { Writer } from '../../protocol';
import { entryOf, languageOf } from '../../workspace';
import { code } from '../facts';
import { fence } from '../quote/cited-lines';
import { quoteRuns } from '../quote/key-lines';
import { continues } from './statements';
import type { Unit } from './units';

/** Number of parameters from which a model's own sentences are shown. */
const WRITES_FROM = 1e9;
/** Most lines of a quote. */
const MOST_LINES = 10;
/** A line that ends a sentence. */
const ENDS = /[.!?]["'’”)\]*]*\s*$/;

/** Lines of a file, counted from 1. */
interface Lines {
  startLine: number;
  endLine: number;
}

/** Whether answers quote the lines that a model's sentences rest on, instead of the sentences. */
export function onlyPoints({ parameters }: Pick<Writer, 'parameters'>): boolean {
  return parameters !== undefined && parameters < WRITES_FROM;
}

/** The lines and those around them that belong to the same statements. */
export function wholeStatements(unit: Unit, { startLine, endLine }: Lines): Lines {
  const lines = unit.text.split('\n');
  let [first, last] = [startLine - unit.startLine, endLine - unit.startLine];
  const goesOn = (line: number): boolean =>
    !ENDS.test(lines[line] as string) && continues(lines[line] as string, lines[line + 1] as string);
  while (first > 0 && last - first + 1 < MOST_LINES && goesOn(first - 1)) first -= 1;
  while (last + 1 < lines.length && last - first + 1 < MOST_LINES && goesOn(last)) last += 1;
  return { startLine: first + unit.startLine, endLine: last + unit.startLine };
}

/** "**Section** in `path` [1]", or the definition's name, and the lines. */
export function pointAt(unit: Unit, lines: Lines, number: number): string {
  const [first, last] = [lines.startLine - unit.startLine + 1, lines.endLine - unit.startLine + 1];
  const text = quoteRuns(unit.text.split('\n'), [{ startLine: first, endLine: last }], Infinity)
    .replace(/^(?:[ \t]*\n)+/, '')
    .trimEnd();
  const language = languageOf(unit.path);
  const isProse = entryOf(language)?.kind === 'prose';
  const label = isProse ? unit.label.replace(/[*_`[\]<>]/g, '') : code(unit.label);
  const where = unit.label === unit.path ? code(unit.path) : l10n.t('{0} in {1}', `**${label}**`, code(unit.path));
  const quote = isProse ? text.replace(/^/gm, '> ') : fence(text, language);
  return `${where} [${number}]\n\n${quote}`;
}
