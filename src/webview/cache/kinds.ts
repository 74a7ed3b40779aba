import type { LedgerKind, LedgerOrigin } from '../../protocol';
import { t } from '../shared/strings';

/** Order of the kinds in the strip: as a reader would explain it, from what is always there to what is written now. */
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
    sinks: t('Sinks'),
    coarse: t('Coarse memories'),
    fine: t('Fine memories'),
    dense: t('Dense memories'),
    anchors: t('Anchors'),
    full: t('Read in full'),
    window: t('Recent text'),
    question: t('Question'),
    answer: t('Answer'),
  }[kind];
}

export function kindMeaning(kind: LedgerKind): string {
  return {
    sinks: t('The first rows of every context; attention rests on them'),
    coarse: t('One row stands for a few hundred tokens of the workspace'),
    fine: t('One row stands for a few dozen tokens of a likely file'),
    dense: t('One row stands for a few words of a likely segment, made for this question'),
    anchors: t('A row that stands for the tokens before it'),
    full: t('A row for each token of the best segments'),
    window: t('A row for each of the latest tokens'),
    question: t('The question and its instructions'),
    answer: t('What has been written so far'),
  }[kind];
}

export function originName(origin: LedgerOrigin): string {
  return {
    computed: t('made for this question'),
    store: t('from the store'),
    memory: t('kept from an earlier question'),
  }[origin];
}
