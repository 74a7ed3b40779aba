/** Sentences of passages of prose, and how much each tells of its section. */
import { nameTerms, type ProsePassage } from '../../workspace';
import { plainDoc } from '../facts';

const LENGTH = { least: 40, most: 240 };

export interface Sentence {
  text: string;
  startLine: number;
  endLine: number;
  /** It begins a paragraph or an item of a list. */
  isHead: boolean;
}

/** Sentences that lead elsewhere, or stand for nothing alone. */
const EMPTY =
  /\d+\.\d+(?:\.\d+)*\.?$|^(?:see|this (?:section|chapter|appendix|document|page) (?:was|has been|may)|for (?:more|further)|note that|please|next:|previous:|up:)\b|[:：?？]$|^why[?]|table of contents/i;
const LEGAL =
  /\b(?:free software|redistribut\w+|licen[sc]ed? under|all rights reserved|copyright|public license|verbatim copies|warrant(?:y|ies)|fitness for a particular)\b/i;

/** Blocks of code and tags of HTML, which hold no sentences. A name in angle brackets stands for something. */
const CODE_OR_TAG =
  /^\s*(`{3,}|~{3,})[^]*?(?:^\s*\1|(?![^]))|<\/?(?:a|abbr|b|br|code|div|em|i|img|kbd|p|span|strong|sub|sup)\b[^>]*>/gim;

/** The rest of a block of code that began before. */
const REST_OF_CODE = /^[^]*?(?:^\s*(?:`{3,}|~{3,})\s*$|(?![^]))/m;

/** An abbreviation or the number of an item ended it, its brackets are open, or it is a line of code. */
const isUnfinished = (said: string): boolean =>
  /\b(?:e\.g|i\.e|cf|etc|vs|resp)\.$|[:\n]\s*\d{1,3}\.$|:= |=> \{|\/\/ |[{};]\s*\n/.test(said) ||
  (said.match(/\(/g)?.length ?? 0) > (said.match(/\)/g)?.length ?? 0);

/** The sentences of a passage as plain text. Those that are too short or long, legal or empty are left out. */
export function sentencesOf({ start, end, startLine, beginsInCode }: ProsePassage, text: string): Sentence[] {
  const whole = text.slice(start, end);
  const prose = beginsInCode ? whole.replace(REST_OF_CODE, (hidden) => hidden.replace(/[^\n]/g, ' ')) : whole;
  const own = prose.replace(CODE_OR_TAG, (hidden) => hidden.replace(/[^\n]/g, ' '));
  const found: Sentence[] = [];
  for (const match of own.matchAll(/[\p{Lu}\p{Lo}"“`*[][^]*?[.!?。](?=\s|$)/gu)) {
    const [said] = match;
    if (/\n\s*(?:\n|[-*+|]\s|\d+[.)]\s)/.test(said) || isUnfinished(said)) continue;
    const flat = plainSentence(said);
    if (flat.length < LENGTH.least || flat.length > LENGTH.most || EMPTY.test(flat) || LEGAL.test(flat)) continue;
    const before = own.slice(0, match.index);
    const first = startLine + before.split('\n').length - 1;
    const isHead = /(?:^|\n\s*\n|(?:^|\n)\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:.{0,12}\s)?)\s*$/.test(before);
    found.push({ text: flat, startLine: first, endLine: first + said.split('\n').length - 1, isHead });
  }
  return found;
}

/** Text without marks of emphasis, links and numbers of items. */
export const plainSentence = (text: string): string =>
  plainDoc(text)
    .replace(/\*\*|__(?=\w)|(?<=\w)__|\^\(\d+\)|(?<=[.\p{L}])\[\d+\]/gu, '')
    .replace(/\*(?=\S)([^*\n]*\S)\*/g, '$1')
    .replace(/^(?:[-*+•]\s+)?(?:\d+(?:\.\d+)+\.?\s+|\(\d+\)\s+)?/, '')
    .trim();

/** Added to a sentence with a number, to one that states a rule, and to the head of a paragraph. */
const FACT = 0.35;
const RULE = 0.35;
const HEAD = 0.5;
/** Added to the first sentence of a section, less for each following one. */
const EARLY = 1;
/** Taken off a sentence that refers to the one before it, and off one that tells one case of many. */
const LEANS = 0.9;
const ONE_CASE = 0.3;
const LEANING =
  /^(?:it|its|this(?! (?:manual|guide|book|handbook|reference|specification|rfc|project|library|package|paper|text|chapter|is\b))|these|they|those|that|such|among|however|also|but|and|or|so|thus|therefore|hence|otherwise|instead|similarly|finally|firstly|secondly|then|now|unfortunately|for (?:example|this|that)|when you|in (?:this|that|these|such|other|the (?:previous|preceding|last|next|following)) |if (?:so|such|this|that|there)|the (?:same|other|latter|following|final|above|fix|key|point)|there|here|as such|additionally|furthermore|moreover|likewise|except|let(?:'|’)?s|we(?:'|’)?(?:ll)?\b)\b/i;
const CASE = /^(?:if|when|unless|in case|once|after|before|where)\b/i;

/** Scores the sentences of one section: words that it uses often, facts, rules, and the place. */
export function scoresOf(title: string, sentences: readonly Sentence[]): number[] {
  const counts = new Map<string, number>();
  for (const { text } of sentences) for (const term of wordsOf(text)) counts.set(term, (counts.get(term) ?? 0) + 1);
  const titled = new Set(wordsOf(title));
  return sentences.map(({ text, isHead }, i) => {
    const terms = new Set(wordsOf(text));
    let weight = 0;
    for (const term of terms) weight += Math.log(counts.get(term) ?? 1) * (titled.has(term) ? 2 : 1);
    return (
      weight / (terms.size + 4) +
      (/\d/.test(text) ? FACT : 0) +
      (/\b(?:must|should|may|is|are|means|default|never|always|use|avoid|prefer)\b/i.test(text) ? RULE : 0) +
      (isHead ? HEAD : 0) +
      EARLY / (1 + i) -
      (LEANING.test(text) ? LEANS : 0) -
      (CASE.test(text) ? ONE_CASE : 0)
    );
  });
}

const wordsOf = (text: string): string[] =>
  [...text.matchAll(/[\p{L}\p{N}]{3,}/gu)].flatMap(([word]) => nameTerms(word));
