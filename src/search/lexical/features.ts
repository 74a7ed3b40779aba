import { type DocumentHit, type LexicalResult, nameTerms, type PathKind, pathKind } from '../../workspace';
import type { AnalysedQuestion, SoughtName } from '../query/analysis';
import type { Intent } from '../query/intent';
import type { DocumentWeights, FeatureSettings } from '../weights';

/** Features of a document for a question. Each value is about 0…1, which makes their weights comparable. */
export const FEATURES = [
  /** BM25F of the document, as a share of the score of a document with every term. */
  'document',
  /** BM25F of the best segment as such a share, and the mean of the next two segments. */
  'bestSegment',
  'nextSegments',
  /**
   * Share of the question's weight in the path, in names the document defines, in names of its best segment, and in doc
   * comments.
   */
  'path',
  'symbols',
  'bestSymbols',
  'docComments',
  /** Share of the words of the file's own name, and of its folder's name, that the question repeats. */
  'fileName',
  'folderName',
  /**
   * Definitions of names in the question, each divided by the square root of the number of documents that define it.
   */
  'definesIdentifier',
  'definesProper',
  'definesCompound',
  /** The file's own name is a name in the question. */
  'calledIdentifier',
  /** The question mentions the file. */
  'mentioned',
  /** Kinds of file that the question does not ask for. */
  'test',
  'example',
  'docs',
  'history',
  'declaration',
  'entry',
  'foreign',
  'config',
  'tooling',
  'translation',
  /** The file is of a kind that the question asks for. */
  'wanted',
  'asked',
] as const satisfies readonly (keyof DocumentWeights)[];

export type FeatureName = keyof DocumentWeights;
export type FeatureVector = Record<FeatureName, number>;

/** A document found by the lexical search, with its features. */
export interface Evidence {
  hit: DocumentHit;
  /** The same document in the lookup of names, if it defines one or has one as its file name. */
  names: DocumentHit | undefined;
  kind: PathKind;
  features: FeatureVector;
}

const FEATURE_OF_NAME: Readonly<Record<SoughtName['kind'], FeatureName>> = {
  identifier: 'definesIdentifier',
  proper: 'definesProper',
  compound: 'definesCompound',
};

/**
 * Computes the features of every document in `found`.
 * @param found result for the question's terms
 * @param named result for the question's names (`definitionTerm`), in the order of `names`
 */
export function gatherEvidence(
  question: AnalysedQuestion,
  found: LexicalResult,
  names: readonly SoughtName[],
  named: LexicalResult,
  settings: FeatureSettings,
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
      mentioned: mentions(question.files, hit.path, settings),
      ...unwanted(kind, question.intent),
    };
    if (nameHit) addNames(features, nameHit, names, definers, settings);
    return { hit, names: nameHit, kind, features };
  });
}

function addNames(
  features: FeatureVector,
  hit: DocumentHit,
  names: readonly SoughtName[],
  definers: readonly number[],
  { mostDefined }: FeatureSettings,
): void {
  names.forEach((name, i) => {
    if ((hit.symbol >>> i) & 1) {
      const feature = FEATURE_OF_NAME[name.kind];
      features[feature] = Math.min(mostDefined, features[feature] + 1 / Math.sqrt(Math.max(1, definers[i] as number)));
    }
    if ((hit.inPath >>> i) & 1) features.calledIdentifier = 1;
  });
}

type UnwantedFeatures = Pick<
  FeatureVector,
  | 'test'
  | 'example'
  | 'docs'
  | 'history'
  | 'declaration'
  | 'entry'
  | 'foreign'
  | 'config'
  | 'tooling'
  | 'translation'
  | 'wanted'
  | 'asked'
>;

function unwanted(kind: PathKind, intent: Intent): UnwantedFeatures {
  const flag = (is: boolean, wanted: boolean): number => (is && !wanted ? 1 : 0);
  const wanted =
    (kind.test && intent.tests) ||
    (kind.example && intent.examples) ||
    (kind.docs && intent.docs) ||
    (kind.history && intent.history) ||
    (kind.config && intent.config) ||
    (kind.declaration && intent.types) ||
    (kind.translation && intent.translations);
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
    translation: flag(kind.translation, intent.translations),
    wanted: wanted ? 1 : 0,
    asked: (kind.test && intent.asked === 'tests') || (kind.docs && intent.asked === 'docs') ? 1 : 0,
  };
}

/** Sum of the penalties for the kind of a file that a question does not ask for; at most 0. */
export function kindPenalty(path: string, intent: Intent, weights: DocumentWeights): number {
  const features = Object.entries(unwanted(pathKind(path), intent)) as [keyof UnwantedFeatures, number][];
  return Math.min(
    0,
    features.reduce((sum, [name, value]) => sum + weights[name] * value, 0),
  );
}

function fileStem(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/(?<=.)\..*$/, '');
}

/** Returns the name of the innermost folder. An index file is known by its folder. */
function folderName(path: string): string {
  return path.split('/').at(-2) ?? '';
}

/** Share of a name's words that are in `stems`. */
function nameShare(name: string, stems: ReadonlySet<string>): number {
  const words = nameTerms(name);
  if (words.length === 0) return 0;
  return words.filter((word) => stems.has(word)).length / words.length;
}

/**
 * Returns 1 when the question names the file with its extension, alone or as the end of a path; less when it names a
 * folder of it.
 */
function mentions(files: readonly string[], path: string, { mentionedFolder }: FeatureSettings): number {
  const lower = path.toLowerCase();
  if (files.some((file) => lower === file || lower.endsWith(`/${file}`))) return 1;
  return files.some((file) => !/\.\w+$/.test(file) && lower.includes(`${file}/`)) ? mentionedFolder : 0;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
