import type { DocumentHit, LexicalResult } from '../workspace/lexical/search';
import type { Intent } from './intent';
import { type PathKind, pathKind } from './paths';
import type { AnalysedQuestion, SoughtName } from './query';
import { nameTerms } from '../workspace/lexical/terms';

/** What the ranker knows of a document for a question; each about 0…1, so that weights can be compared. */
export const FEATURES = [
  /** BM25F of the document, as a share of what a document with every term could reach. */
  'document',
  /** BM25F of its best segment, likewise, and the mean of the next two. */
  'bestSegment',
  'nextSegments',
  /**
   * Share of the question's weight that occurs in the path; in names defined in the document; in its best segment's
   * names; in doc comments.
   */
  'path',
  'symbols',
  'bestSymbols',
  'docComments',
  /** How much of the file's (folder's) own name the question says. */
  'fileName',
  'folderName',
  /** Definitions of names in the question, each divided by how many documents define it. */
  'definesIdentifier',
  'definesProper',
  'definesCompound',
  /** The file is called like a name in the question. */
  'calledIdentifier',
  /** The question mentions the file. */
  'mentioned',
  /** Kinds of file that nobody asked for. */
  'test',
  'example',
  'docs',
  'history',
  'declaration',
  'entry',
  'foreign',
  'config',
  'tooling',
  /** Kinds that were asked for. */
  'wanted',
] as const;

export type FeatureName = (typeof FEATURES)[number];
export type FeatureVector = Record<FeatureName, number>;

export interface Evidence {
  hit: DocumentHit;
  /** What the search for names found in this document. */
  names: DocumentHit | undefined;
  kind: PathKind;
  features: FeatureVector;
}

const WEIGHT_OF_NAME: Readonly<Record<SoughtName['kind'], FeatureName>> = {
  identifier: 'definesIdentifier',
  proper: 'definesProper',
  compound: 'definesCompound',
};

/**
 * Features of every document that the lexical search found. `found` answers the question's terms, `named` its names
 * (`definitionTerm`s).
 */
export function gatherEvidence(
  question: AnalysedQuestion,
  found: LexicalResult,
  names: readonly SoughtName[],
  named: LexicalResult,
): Evidence[] {
  const weights = question.terms.map((term, i) => ({
    document: term.weight * (found.documentIdf[i] ?? 0),
    segment: term.weight * (found.segmentIdf[i] ?? 0),
  }));
  const total = {
    document: sum(weights.map((w) => w.document)) || 1,
    segment: sum(weights.map((w) => w.segment)) || 1,
  };
  const share = (mask: number): number =>
    sum(weights.map((w, i) => ((mask >>> i) & 1 ? w.document : 0))) / total.document;
  const stems = new Set(
    question.terms.flatMap((term) => [term.term, ...(term.alternatives ?? []).map((other) => other.term)]),
  );
  const namedHits = new Map(named.documents.map((hit) => [hit.docId, hit]));
  const definers = names.map((_, i) => named.documents.filter((hit) => (hit.symbol >>> i) & 1).length);

  return found.documents.map((hit) => {
    const kind = pathKind(hit.path);
    const nameHit = namedHits.get(hit.docId);
    const best = hit.segments[0];
    const next = hit.segments.slice(1, 3);
    const features: FeatureVector = {
      document: hit.score / total.document,
      bestSegment: (best?.score ?? 0) / total.segment,
      nextSegments: sum(next.map((segment) => segment.score)) / 2 / total.segment,
      path: share(hit.inPath),
      symbols: share(hit.symbol),
      bestSymbols: share((best?.symbol ?? 0) | (best?.breadcrumb ?? 0)),
      docComments: share(hit.doc),
      fileName: nameShare(fileStem(hit.path), stems),
      folderName: nameShare(folderName(hit.path), stems),
      definesIdentifier: 0,
      definesProper: 0,
      definesCompound: 0,
      calledIdentifier: 0,
      mentioned: mentions(question.files, hit.path),
      ...unwanted(kind, question.intent),
    };
    if (nameHit) addNames(features, nameHit, names, definers);
    return { hit, names: nameHit, kind, features };
  });
}

function addNames(
  features: FeatureVector,
  hit: DocumentHit,
  names: readonly SoughtName[],
  definers: readonly number[],
): void {
  names.forEach((name, i) => {
    if ((hit.symbol >>> i) & 1) {
      const feature = WEIGHT_OF_NAME[name.kind];
      features[feature] = Math.min(1.5, features[feature] + 1 / Math.sqrt(Math.max(1, definers[i] as number)));
    }
    if ((hit.inPath >>> i) & 1) features.calledIdentifier = 1;
  });
}

function unwanted(
  kind: PathKind,
  intent: Intent,
): Pick<
  FeatureVector,
  'test' | 'example' | 'docs' | 'history' | 'declaration' | 'entry' | 'foreign' | 'config' | 'tooling' | 'wanted'
> {
  const flag = (is: boolean, wanted: boolean): number => (is && !wanted ? 1 : 0);
  const wanted =
    (kind.test && intent.tests) ||
    (kind.example && intent.examples) ||
    (kind.docs && intent.docs) ||
    (kind.history && intent.history) ||
    (kind.config && intent.config) ||
    (kind.declaration && intent.types);
  return {
    test: flag(kind.test, intent.tests),
    example: flag(kind.example, intent.examples),
    docs: flag(kind.docs && !kind.history, intent.docs),
    history: flag(kind.history, intent.history),
    declaration: flag(kind.declaration, intent.types),
    entry: flag(kind.entry, false),
    foreign: flag(kind.foreign, false),
    config: flag(kind.config, intent.config),
    tooling: flag(kind.tooling, intent.config),
    wanted: wanted ? 1 : 0,
  };
}

function fileStem(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/(?<=.)\..*$/, '');
}

/** Index files speak through their folder. */
function folderName(path: string): string {
  const folders = path.split('/');
  return folders.at(-2) ?? '';
}

/** Share of a name's words that are in `stems`; a name of one short word says less. */
function nameShare(name: string, stems: ReadonlySet<string>): number {
  const words = nameTerms(name);
  if (words.length === 0) return 0;
  return words.filter((word) => stems.has(word)).length / words.length;
}

/** 1 when the question names the file with its extension, by itself or as the end of the path it gives. */
function mentions(files: readonly string[], path: string): number {
  const lower = path.toLowerCase();
  return files.some((file) => lower === file || lower.endsWith(`/${file}`))
    ? 1
    : files.some((file) => !/\.\w+$/.test(file) && lower.includes(`${file}/`))
      ? 0.5
      : 0;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
