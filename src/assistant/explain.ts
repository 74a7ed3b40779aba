/**
 * Explains a definition or a selection: its kind, comment, calls, results, errors and uses.
 */
import * as l10n from '@vscode/l10n';
import type { Author, ChatMessage, Citation, Explanation, Writer } from '../protocol';
import { textOfLines, throwIfCancelled } from '../base';
import { locateInLines } from './citations';
import { ExplanationCache } from './explanation/explanation-cache';
import { explainByFacts } from './explanation/facts';
import { findTarget, type Target } from './explanation/target';
import type { AssistantLibrary } from './library';
import { IN_SENTENCES, promptOf } from './write/prompt';
import { writeProse } from './write/prose';
import { chooseUnits, unitOf, unitsOf, type Unit } from './write/units';

export interface ExplainRequest {
  file: string;
  startLine: number;
  endLine: number;
  /** Explain again, even if an explanation is cached. */
  fresh?: boolean;
}

export interface ExplainTools {
  library: AssistantLibrary;
  cache?: ExplanationCache;
  writer?: Writer | undefined;
  progress?: (fraction: number, message: string) => void;
  signal?: AbortSignal;
}

const EXTRACTIVE: Author = { kind: 'extractive' };

/** @throws AppError('fileNotFound' | 'fileUnreadable' | 'cancelled') */
export async function explain(request: ExplainRequest, tools: ExplainTools): Promise<Explanation> {
  const { library, cache, writer, progress, signal } = tools;
  progress?.(0, l10n.t('Reading'));
  const target = await findTarget(request, library);
  throwIfCancelled(signal);
  const text = textOfLines(target.lines, target.startLine, target.endLine);
  const keyFor = (author: Author): string => ExplanationCache.key(text, target.label, author);
  if (cache && !request.fresh) {
    const cached = await cachedExplanation(keyFor(writer?.author ?? EXTRACTIVE), cache, target);
    if (cached) return cached;
  }
  progress?.(0.3, l10n.t('Looking up calls and uses'));
  let explanation = await explainByFacts(target, library, signal);
  throwIfCancelled(signal);
  if (writer) {
    progress?.(0.5, l10n.t('Writing'));
    explanation = (await inProse(target, explanation, writer, library, signal)) ?? explanation;
  }
  progress?.(1, l10n.t('Done'));
  if (cache) await cache.set(keyFor(explanation.author), explanation);
  return explanation;
}

/** A cached explanation whose citations are still valid. Citations follow lines that have moved within this file. */
async function cachedExplanation(
  key: string,
  cache: ExplanationCache,
  target: Target,
): Promise<Explanation | undefined> {
  const cached = await cache.get(key);
  if (!cached) return undefined;
  const citations: Citation[] = [];
  for (const citation of cached.citations) {
    if (citation.file !== target.document.file) {
      citations.push(citation);
      continue;
    }
    const located = locateInLines(citation, target.lines, citation);
    if (located.state !== 'same' && located.state !== 'moved') return undefined;
    citations.push({ ...citation, startLine: located.span.startLine, endLine: located.span.endLine });
  }
  const { file, path } = target.document;
  return { ...cached, file, path, startLine: target.startLine, endLine: target.endLine, citations, cached: true };
}

/** Has the model explain the definition above the facts. Undefined if nothing it wrote is carried by the lines. */
async function inProse(
  target: Target,
  facts: Explanation,
  writer: Writer,
  library: AssistantLibrary,
  signal?: AbortSignal,
): Promise<Explanation | undefined> {
  const { document, lines, startLine, endLine, label } = target;
  const { file, path } = document;
  const { segments } = await library.segmentsOf(document);
  const own = segments
    .filter((segment) => segment.startLine <= endLine && segment.endLine >= startLine)
    .flatMap((segment) => unitsOf({ ...segment, file, path }, lines, label))
    .filter((unit) => unit.startLine <= endLine && unit.endLine >= startLine);
  const uses = facts.citations
    .filter((each) => each.file !== file || each.startLine > endLine || each.endLine < startLine)
    .map((each) => unitOf(each, [...blankLines(each.startLine - 1), ...each.text.split('\n')], each.label));
  const text = `Explain ${label}: what it is for, how it works, and what to watch for. ${IN_SENTENCES}`;
  const task = { question: `What does ${label} do?`, text };
  try {
    const chatWith = (units: readonly Unit[]): ChatMessage[] => promptOf(units, task, writer);
    const { units } = await chooseUnits([...own, ...uses], writer, chatWith, writer.contextTokens / 2, signal);
    const request = { chat: chatWith(units), units, question: label, shown: facts.citations };
    const prose = await writeProse(request, writer, library, { signal });
    throwIfCancelled(signal);
    if (prose.markdown === '') return undefined;
    return {
      ...facts,
      markdown: `${prose.markdown}\n\n${facts.markdown}`,
      citations: prose.citations,
      author: writer.author,
    };
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
}

const blankLines = (count: number): string[] => new Array<string>(count).fill('');
