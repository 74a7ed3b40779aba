/** The main points of a change log: its newest releases, and the range of each earlier major version. */
import * as l10n from '@vscode/l10n';
import { clip } from '../citations';
import { plainDoc } from '../facts';
import { formatNumber } from '../../base';
import type { ReadDocument } from '../../workspace';
import { placeText } from './place-text';
import { plainSentence } from './sentences';

/** Releases with their changes, changes of each, and major versions listed. */
const NEWEST = 4;
const CHANGES = 3;
const CHANGE_CHARACTERS = 110;
const MAJORS = 6;
/** A document is a change log when so many of its headings, and this share of them, name versions. */
const LEAST_RELEASES = 5;
const SHARE = 0.5;

const VERSION = /^(?:[\p{L}@/_-]+\s+)?[[(]?v?(\d+)\.(\d+)(?:\.\d+)?[\w.-]*?[\])]?(?:\s*[/(:–—-].*|\s+\d{4}.*)?$/iu;

interface Release {
  title: string;
  major: string;
  startLine: number;
  endLine: number;
}

/** Undefined for other documents. */
export function changeLogPoints(read: ReadDocument): string[] | undefined {
  const headings = read.segmented.symbols.filter(({ kind }) => kind === 'heading');
  const releases = headings.flatMap(({ name, startLine, endLine }): Release[] => {
    const title = plainDoc(name);
    const major = VERSION.exec(title)?.[1];
    return major === undefined ? [] : [{ title, major, startLine, endLine }];
  });
  const topLevel = headings.filter(({ container }) => container.length <= 1);
  if (releases.length < LEAST_RELEASES || releases.length < SHARE * topLevel.length) return undefined;
  const lines = read.document.text.split('\n');
  const points = releases.slice(0, NEWEST).map((release) => {
    const changes = changesOf(lines, release);
    const said = changes.length > 0 ? changes.join('; ') : l10n.t('no changes listed');
    return `- ${release.title}: ${said} (${placeText(read.document, release.startLine, release.endLine)})`;
  });
  const majors = new Map<string, Release[]>();
  for (const release of releases) majors.set(release.major, [...(majors.get(release.major) ?? []), release]);
  const several = [...majors].filter(([, own]) => own.length > 1);
  for (const [major, own] of several.slice(0, MAJORS)) {
    const newest = own[0] as Release;
    const oldest = own.at(-1) as Release;
    const [first] = changesOf(lines, oldest);
    const range = l10n.t(
      'Version {0}: {1} releases, from {2} to {3}.',
      major,
      formatNumber(own.length),
      oldest.title,
      newest.title,
    );
    const began = first === undefined ? '' : ` ${l10n.t('It began with: {0}', first)}`;
    points.push(`- ${range}${began} (${placeText(read.document, newest.startLine, oldest.endLine)})`);
  }
  return points;
}

/** The first changes of a release, each in one line. */
function changesOf(lines: readonly string[], { startLine, endLine }: Release): string[] {
  const changes: string[] = [];
  for (let line = startLine; line < endLine && changes.length < CHANGES; line++) {
    const item = /^\s{0,6}[-*+•]\s+(.*)$/.exec(lines[line] ?? '');
    if (!item) continue;
    let text = item[1] ?? '';
    // "remove:" names a group of the items below it.
    if (/^[^.]{0,40}:$/.test(text.trim())) continue;
    while (/^\s{2,}(?![-*+•]\s)\S/.test(lines[line + 1] ?? '') && text.length < CHANGE_CHARACTERS)
      text += ` ${(lines[++line] ?? '').trim()}`;
    changes.push(clip(plainSentence(text).replace(/[.;:]$/, ''), CHANGE_CHARACTERS));
  }
  return changes;
}
