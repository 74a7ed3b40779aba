/** Spans, citations and coverage as the tools return them, as data and as text. */
import type { Citation, Coverage, RankedSpan, Span } from '../protocol';
import { spanUri } from './uris';

export function spanData({ path, startLine, endLine, place }: Span) {
  return {
    path,
    startLine,
    endLine,
    uri: spanUri({ path, startLine, endLine }),
    ...(place ? { place: `${place.kind} ${place.number}` } : {}),
  };
}

export function foundData({ score, breadcrumb, reasons, text, language, ...span }: RankedSpan) {
  return {
    ...spanData(span),
    score: Math.round(score * 1000) / 1000,
    definitions: [...breadcrumb],
    reasons: reasons.filter(({ weight }) => weight > 0).map((reason) => reason.text),
    text,
    language,
  };
}

export function citationData({ number, label, text, commit, ...span }: Citation) {
  if (commit === undefined) return { number, ...spanData(span), label, text };
  const { path, startLine, endLine } = span;
  return { number, path, startLine, endLine, uri: `git:${commit}`, commit, label, text };
}

export function coverageData({ filesIndexed, filesKnown, indexing }: Coverage) {
  return { filesIndexed, filesKnown, complete: !indexing };
}

export function foundText(spans: readonly RankedSpan[], coverage: Coverage): string {
  const blocks = spans.map((span) => {
    const where = span.breadcrumb.length > 0 ? ` (${span.breadcrumb.join(' › ')})` : '';
    return `${placeText(span)}${where}\n${fence(span.text, span.language)}`;
  });
  return [...coverageText(coverage), ...(blocks.length > 0 ? blocks : ['Nothing found.'])].join('\n\n');
}

/** `path:first-last`, the form in which agents and terminals link. */
export function placeText({ path, startLine, endLine, place }: Span): string {
  return `${path}:${startLine}-${endLine}${place ? ` (${place.kind} ${place.number})` : ''}`;
}

/** A remark while the index is incomplete. */
export function coverageText({ indexing, filesIndexed, filesKnown }: Coverage): string[] {
  const isPartial = indexing && filesIndexed < filesKnown;
  return isPartial ? [`Indexing is still running: ${filesIndexed} of ${filesKnown} files so far.`] : [];
}

/** A code block whose fence is longer than any in the text, so that the text cannot end it. */
export function fence(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([ticks]) => ticks.length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}`;
}
