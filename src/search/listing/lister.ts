/**
 * Enumerates the things that a question asks all of. Finders collect groups of things from documents that have the
 * asked noun, and from lists in the best passages. The group that is most about the question wins.
 */
import { splitLines, throwIfCancelled } from '../../base';
import type { RankedSpan } from '../../protocol';
import { type LexicalIndex, pathKind, type QueryTerm, type ReadDocument, tokenTerms } from '../../workspace';
import type { SentenceVectors } from '../passages/sentence-vectors';
import { readIntent } from '../query/intent';
import { termsIn } from '../query/term-coverage';
import type { ListDocument, ListFinder, ListGroup, ListItem } from './group';
import { findNames } from './names';
import { listIn, sectionsBelow, withWholeList } from './prose-lists';
import { findRegistered } from './registered';
import { findRoutes } from './routes';
import { SEARCH_WEIGHTS } from '../weights';
import { type ListSubject, subjectOfList } from './subject';

export interface Listing {
  items: readonly ListItem[];
  /** True when further documents with the noun were not read. */
  isPartial: boolean;
}

export interface ListRequest {
  question: string;
  terms: readonly QueryTerm[];
  ownNames: readonly string[];
  spans: readonly RankedSpan[];
  filter?: ((path: string) => boolean) | undefined;
  sentences?: SentenceVectors | undefined;
  signal?: AbortSignal | undefined;
}

const FINDERS: readonly ListFinder[] = [findRoutes, findRegistered, findNames];

/** Occurrences looked at, and documents read. */
const OCCURRENCES = 2_000;
const DOCUMENTS = 150;
/** Passages whose lists take part. */
const PASSAGES = 12;
/** Documents that the words are searched in, and those whose path has words, with their sections. */
const DOCUMENTS_SEARCHED = 40;
const NAMED = 4;
/** Groups that the encoder compares, and characters of each. */
const COMPARED = 16;
const CHARACTERS = 300;
/** Score of each doubling of the number of things. */
const MANY = 0.03;
/** Least score of the group that is shown. */
const LEAST = 0.8;
const LEAST_WITHOUT_ENCODER = 0.75;
/** Further words that code has for a kind of thing. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  url: ['mapping', 'route', 'routes', 'get', 'post', 'path', 'handle', 'urlpatterns'],
  route: ['mapping', 'get', 'post', 'path', 'handle', 'urlpatterns'],
  endpoint: ['mapping', 'route', 'routes', 'get', 'post', 'path', 'handle', 'urlpatterns'],
};

/** Two passages may hold parts of one list. */
const hasList = (groups: ReadonlyMap<string, ListGroup>, { items: [first] }: ListGroup): boolean =>
  [...groups.values()].some(
    ({ items: [other] }) => other?.file === first?.file && other?.startLine === first?.startLine,
  );

function addSections(groups: Map<string, ListGroup>, read: ReadDocument | undefined, line?: number): void {
  for (const group of read ? sectionsBelow(read, line) : [])
    groups.set(`sections ${group.items[0]?.path} ${group.items[0]?.startLine}`, group);
}

export class Lister {
  constructor(
    private readonly index: LexicalIndex,
    private readonly read: (path: string) => Promise<ReadDocument | undefined>,
  ) {}

  /** Undefined when no things are found. */
  async list(request: ListRequest): Promise<Listing | undefined> {
    const subject = subjectOfList(request.question, request.ownNames);
    if (!subject) return undefined;
    const groups = new Map<string, ListGroup>();
    const isPartial = await this.search(subject, request, groups);
    for (const [i, span] of request.spans.slice(0, PASSAGES).entries()) {
      throwIfCancelled(request.signal);
      if (span.kind !== 'prose' || this.isAside(span.path, request.question)) continue;
      const read = await this.read(span.path);
      const list = listIn(read ? withWholeList(span, splitLines(read.document.text)) : span);
      if (list && !hasList(groups, list)) groups.set(`list ${i}`, list);
      addSections(groups, read, span.startLine);
    }
    for (const path of this.namedDocuments(request)) addSections(groups, await this.read(path));
    const best = await this.best([...groups.values()], subject, request);
    return best && { items: best.items, isPartial };
  }

  /** Documents whose path has words of the question. */
  private namedDocuments({ terms, question, filter }: ListRequest): readonly string[] {
    const { documents } = this.index.search(terms, {
      ...SEARCH_WEIGHTS.fields,
      ...(filter ? { filter } : {}),
      limit: DOCUMENTS_SEARCHED,
      segmentsPerDocument: 0,
    });
    return documents
      .filter(({ path, inPath }) => inPath !== 0 && !this.isAside(path, question))
      .slice(0, NAMED)
      .map(({ path }) => path);
  }

  /** Fills the groups. Resolves to true when documents were left out. */
  private async search(
    subject: ListSubject,
    { question, filter, signal }: ListRequest,
    groups: Map<string, ListGroup>,
  ): Promise<boolean> {
    const paths = new Set<string>();
    for (const term of [subject.headTerm, ...(ALSO[subject.headTerm] ?? []).flatMap((word) => tokenTerms(word))])
      for (const { path, segment } of this.index.occurrences(term, OCCURRENCES))
        if (segment.kind === 'code' && (!filter || filter(path)) && !this.isAside(path, question)) paths.add(path);
    for (const path of [...paths].slice(0, DOCUMENTS)) {
      const read = await this.read(path);
      throwIfCancelled(signal);
      if (!read) continue;
      const document: ListDocument = { ...read, lines: splitLines(read.document.text) };
      for (const find of FINDERS) find(document, subject, groups);
    }
    return paths.size > DOCUMENTS;
  }

  private isAside(path: string, question: string): boolean {
    const kind = pathKind(path);
    const { tests, examples, translations } = readIntent(question);
    return (kind.test && !tests) || (kind.example && !examples) || (kind.translation && !translations) || kind.lock;
  }

  private async best(
    groups: readonly ListGroup[],
    { headTerm, terms }: ListSubject,
    { question, sentences, signal }: ListRequest,
  ): Promise<ListGroup | undefined> {
    const scored = groups
      .filter(({ items }) => items.length > 1)
      .map((group) => {
        const about = termsIn(group.about);
        const items = termsIn(group.items.map(({ text }) => text).join(' '));
        const wanted = [...terms];
        const share = wanted.filter((term) => about.has(term) || items.has(term)).length / Math.max(1, wanted.length);
        const named = about.has(headTerm) ? 1 : items.has(headTerm) ? 0.6 : 0;
        const score = group.prior * (0.5 * named + 0.5 * (terms.size === 0 ? named : share));
        return { group, score };
      })
      .sort((a, b) => b.score - a.score)
      .slice(0, COMPARED);
    const texts = scored.map(({ group }) =>
      `${group.about}: ${group.items.map(({ text }) => text).join(', ')}`.slice(0, CHARACTERS),
    );
    const similarities = await sentences?.similarities(question, texts, signal);
    const least = similarities ? LEAST : LEAST_WITHOUT_ENCODER;
    const ranked = scored
      .map(({ group, score }, i) => ({
        group,
        score: score + Math.max(0, similarities?.[i] ?? 0) + MANY * Math.log2(group.items.length),
      }))
      .sort((a, b) => b.score - a.score);
    return ranked[0] && ranked[0].score >= least ? ranked[0].group : undefined;
  }
}
