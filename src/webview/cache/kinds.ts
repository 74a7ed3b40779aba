import type { LedgerKind, LedgerOrigin } from '../../protocol';
import { t } from '../shared/strings';

/** Order of the kinds in the strip. */
export const KIND_ORDER: readonly LedgerKind[] = [
  'sinks',
  'coarse',
  'fine',
  'dense',
  'anchors',
  'full',
  'window',
  'question',
  'answer',
];

export function kindName(kind: LedgerKind): string {
  return {
    sinks: t('Attention sinks'),
    coarse: t('Coarse rows'),
    fine: t('Fine rows'),
    dense: t('Dense rows'),
    anchors: t('Anchors'),
    full: t('Full rows'),
    window: t('Recent text'),
    question: t('Question'),
    answer: t('Answer'),
  }[kind];
}

export function kindMeaning(kind: LedgerKind): string {
  return {
    sinks: t('Attention sinks: always kept'),
    coarse: t('One row represents a few hundred tokens of the workspace'),
    fine: t('One row represents a few dozen tokens of a likely file'),
    dense: t('One row represents a few words of a likely segment'),
    anchors: t('One row represents the tokens before it'),
    full: t('One row for each token of the best segments'),
    window: t('One row for each of the latest tokens'),
    question: t('The question and its instructions'),
    answer: t('The answer so far'),
  }[kind];
}

export function originName(origin: LedgerOrigin): string {
  return {
    computed: t('computed for this question'),
    store: t('from disk'),
    memory: t('cached from an earlier question'),
  }[origin];
}
