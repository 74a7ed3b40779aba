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
  'earlier',
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
    earlier: l10n.t('Earlier text'),
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
    earlier: l10n.t('Text that left the window; the best blocks of it are seen again'),
    window: l10n.t('One row for each of the latest tokens'),
    question: l10n.t('The question and its instructions'),
    answer: l10n.t('The answer so far'),
  }[kind];
}

export function originName(origin: LedgerOrigin): string {
  return {
    computed: l10n.t('computed for this question'),
    store: l10n.t('from disk'),
    team: l10n.t('from the team'),
    memory: l10n.t('kept from an earlier question'),
  }[origin];
}

/** The maker of the rows of a kind, in one word, and the published system behind it. */
export function kindSource(kind: LedgerKind): { word: string; system?: string } {
  const memory = { word: l10n.t('memory'), system: 'UIO-LLMs' };
  const text = { word: l10n.t('text') };
  return {
    sinks: { word: l10n.t('start'), system: 'LM-Infinite' },
    coarse: memory,
    fine: memory,
    dense: memory,
    anchors: { word: l10n.t('anchor'), system: 'AnLLM' },
    full: text,
    earlier: { word: l10n.t('recall'), system: 'LM-Infinite' },
    window: { word: l10n.t('window'), system: 'LM-Infinite' },
    question: text,
    answer: text,
  }[kind];
}

/** The tooltip of a kind: what its rows mean, and the system that they come from. */
export function kindTip(kind: LedgerKind): string {
  const { system } = kindSource(kind);
  return system ? l10n.t('{0} ({1})', kindMeaning(kind), system) : kindMeaning(kind);
}
