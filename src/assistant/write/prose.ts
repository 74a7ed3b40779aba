/** The answer in prose: a model reads numbered quotes and the question, and every citation it writes is verified. */
import type { Citation, Span, Writer, Written } from '../../protocol';
import { counted } from '../../base';
import { checkMarkdown, type CheckedMarkdown } from '../citations';
import type { AssistantLibrary } from '../library';
import type { Composed } from './compose-chat';

export interface ProseAnswer {
  markdown: string;
  citations: readonly Citation[];
  notices: string[];
  written: Written;
}

/**
 * Writes the answer and verifies its citations. The streamed text is unverified. The returned Markdown is verified.
 */
export async function writeProse(
  composed: Composed,
  writer: Writer,
  library: Pick<AssistantLibrary, 'read'>,
  options: { signal?: AbortSignal; onText: (text: string) => void },
): Promise<ProseAnswer> {
  const written = await writer.write(composed.chat, {
    maxNewTokens: composed.maxNewTokens,
    signal: options.signal,
    onText: options.onText,
    quotes: composed.used.map(({ text }) => text),
    ...(composed.anchored.length > 0 ? { anchors: composed.anchored.map(({ citation }) => citation.text) } : {}),
  });
  const checked = await checkMarkdown(written.text.trim(), composed.used, library);
  return {
    markdown: checked.markdown,
    citations: checked.citations,
    notices: noticesOf(composed, written, checked),
    written,
  };
}

function noticesOf(composed: Composed, written: Written, checked: CheckedMarkdown): string[] {
  const notices: string[] = [];
  if (checked.removed.length > 0) notices.push(`Citations removed: ${checked.removed.join(' ')}`);
  if (checked.citations.length === 0 && composed.used.length > 0)
    notices.push('None of the model’s citations could be verified. Check the spans before you rely on this answer.');
  if (written.stopped === 'length')
    notices.push(
      `The answer was cut off at ${counted(written.newTokens, 'token')}, the limit of this model's context.`,
    );
  if (written.stopped === 'cancelled') notices.push('Stopped.');
  if (composed.inPart.length > 0)
    notices.push(`${counted(composed.inPart.length, 'span')} cut to fit: ${named(composed.inPart)}.`);
  const held = composed.anchored.filter((_, i) => (written.quotes?.anchors[i]?.rows ?? 0) > 0).map(({ span }) => span);
  if (held.length > 0) notices.push(`${counted(held.length, 'span')} compressed to fit: ${named(held)}.`);
  const dropped = [
    ...composed.anchored.map(({ span }) => span).filter((span) => !held.includes(span)),
    ...composed.dropped,
  ];
  if (dropped.length > 0) notices.push(`${counted(dropped.length, 'span')} left out (no room): ${named(dropped)}.`);
  if (composed.turnsDropped > 0)
    notices.push(`${counted(composed.turnsDropped, 'earlier question')} left out (no room).`);
  return notices;
}

/** Names the first few spans. */
export function named(spans: readonly Span[]): string {
  const names = spans.slice(0, 5).map(({ path, startLine, endLine }) => `${path}:${startLine}–${endLine}`);
  return `${names.join(', ')}${spans.length > 5 ? ' …' : ''}`;
}
