/** The prompt of an answer: units first, the question last. */
import type { ChatMessage, Writer } from '../../protocol';
import { clip } from '../citations';
import { readerChat } from './reader-prompt';
import type { Unit } from './units';

export interface Turn {
  question: string;
  answer: string;
}

/** Task of a model: the plain question, and its text with instructions. */
export interface Task {
  question: string;
  text: string;
}

/** The form that a question asks its answer to have. */
export type AnswerForm = 'compare' | 'list' | 'why' | 'plain';

/** It stays the same for all questions, because rows of units are kept behind it. */
const SYSTEM =
  'You answer questions from excerpts of files. State only what the excerpts say, name the functions, options and ' +
  'values you rely on in backticks, and be brief.';

export const IN_SENTENCES = 'Answer in two to four short sentences.';

const HOW: Record<AnswerForm, string> = {
  compare:
    'Answer in two to four sentences: what the first does, what the second does, and the difference between them.',
  list: 'Answer with a list: one line for each item, beginning with "- ".',
  why: 'Answer in two or three sentences: give the reason that the excerpts state.',
  plain: IN_SENTENCES,
};

/** Longest earlier answer (characters) that a follow-up repeats, and the number of earlier turns. */
const EARLIER_LENGTH = 400;
const EARLIER_TURNS = 2;

const COMPARES =
  /\b(differs?|differences?|different|compared?|comparison|versus|vs|distinguish(es)?|rather than|instead of)\b/i;
const ASKS_WHY = /^\W*why\b|\b(reason|rationale|why (is|are|does|do|did|must|should))\b/i;
/** "Which modes can …", "what are the phases …", "list all …"; not "what does …". */
const LISTS =
  /^\W*(which|what) (?!(?:is|does|was|has|this|happens)\b)(\w+ ){0,2}\w+s (are|can|may|do|does|exist|have|must|should|is)\b|^\W*what are\b|\b(list|enumerate|name) (all|the|every)\b/i;

export function answerForm(question: string): AnswerForm {
  if (COMPARES.test(question)) return 'compare';
  if (ASKS_WHY.test(question)) return 'why';
  return LISTS.test(question) ? 'list' : 'plain';
}

/** The bundled reader is asked in the form that it was trained with. */
export function promptOf(units: readonly Unit[], task: Task, { author }: Pick<Writer, 'author'>): ChatMessage[] {
  const quotes = units.map(({ quote }) => quote);
  if (author.kind === 'bundled') return readerChat(quotes, task.question);
  return [
    { role: 'system', content: SYSTEM },
    { role: 'user', content: quotes.join('') + task.text },
  ];
}

/** The question with the earlier turns that it may lean on. They follow the units, so that the units' rows are kept. */
export function taskOf(question: string, previous: readonly Turn[]): Task {
  const earlier = previous
    .slice(-EARLIER_TURNS)
    .map((turn) => `Earlier question: ${turn.question}\nEarlier answer: ${clip(turn.answer, EARLIER_LENGTH)}\n`);
  return { question, text: `${earlier.join('')}Question: ${question}\n${HOW[answerForm(question)]}` };
}
