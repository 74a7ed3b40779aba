import type { LedgerKind, LedgerOrigin } from '../../protocol';
import * as l10n from '@vscode/l10n';

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
    sinks: l10n.t('Attention sinks'),
    coarse: l10n.t('Coarse rows'),
    fine: l10n.t('Fine rows'),
    dense: l10n.t('Dense rows'),
    anchors: l10n.t('Anchors'),
    full: l10n.t('Full rows'),
    window: l10n.t('Recent text'),
    question: l10n.t('Question'),
    answer: l10n.t('Answer'),
  }[kind];
}

export function kindMeaning(kind: LedgerKind): string {
  return {
    sinks: l10n.t('Attention sinks: always kept'),
    coarse: l10n.t('One row represents a few hundred tokens of the workspace'),
    fine: l10n.t('One row represents a few dozen tokens of a likely file'),
    dense: l10n.t('One row represents a few words of a likely segment'),
    anchors: l10n.t('One row represents the tokens before it'),
    full: l10n.t('One row for each token of the best segments'),
    window: l10n.t('One row for each of the latest tokens'),
    question: l10n.t('The question and its instructions'),
    answer: l10n.t('The answer so far'),
  }[kind];
}

export function originName(origin: LedgerOrigin): string {
  return {
    computed: l10n.t('computed for this question'),
    store: l10n.t('from disk'),
    memory: l10n.t('cached from an earlier question'),
  }[origin];
}
