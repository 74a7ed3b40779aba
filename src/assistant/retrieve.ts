/** Searches for a question and gathers its evidence. */
import { throwIfCancelled } from '../base';
import type { Question } from '../search';
import { listingFor, questionOf, searchFor, sidesFor, sitesFor, type Found } from './ask-search';
import type { AskRequest, AskTools } from './ask-tools';
import { gatherEvidence, type Evidence } from './quote/evidence';

/** A question while it is being answered. Times are `performance.now()` values. */
export interface Draft {
  request: AskRequest;
  question: Question;
  found: Found;
  evidence: Evidence;
  started: number;
  retrieved: number;
}

/** Forms of questions that ask for everything: a part of the index gives a wrong answer. */
const FOR_ALL: ReadonlySet<Question['form']> = new Set(['list', 'users']);

/**
 * Retrieves from the index so far, which holds the files most likely to answer. Waits for all of it where the question
 * asks for all of something, or where the index so far has no answer.
 */
export async function retrieve(request: AskRequest, tools: AskTools, started: number): Promise<Draft> {
  const { library, signal, whenIndexed } = tools;
  const question = questionOf(request, library);
  if (FOR_ALL.has(question.form)) await whenIndexed?.();
  throwIfCancelled(signal);
  const draft = await retrieveNow(request, question, tools, started);
  if (draft.evidence.answers || !draft.found.coverage.indexing || !(await whenIndexed?.())) return draft;
  throwIfCancelled(signal);
  return retrieveNow(request, question, tools, started);
}

async function retrieveNow(request: AskRequest, question: Question, tools: AskTools, started: number): Promise<Draft> {
  const { emit = () => {}, library, signal } = tools;
  const found = await searchFor(request, tools);
  emit({ type: 'spans', spans: found.spans, coverage: found.coverage });
  const retrieved = performance.now();
  const evidence = await gatherEvidence(question, found.spans, library, {
    scope: request.scope,
    encoded: found.coverage.memories,
    sites: await sitesFor(request, question, found, tools),
    sides: await sidesFor(request, question, tools),
    listing: await listingFor(request, question, found, tools),
    signal,
  });
  return { request, question, found, evidence, started, retrieved };
}
