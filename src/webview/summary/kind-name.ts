import * as l10n from '@vscode/l10n';

/** The kind of a part of a file, in the display language. */
export function kindName(kind: string): string {
  return KINDS[kind]?.() ?? kind;
}

const KINDS: Readonly<Record<string, () => string>> = {
  function: () => l10n.t('function'),
  method: () => l10n.t('method'),
  class: () => l10n.t('class'),
  interface: () => l10n.t('interface'),
  struct: () => l10n.t('struct'),
  enum: () => l10n.t('enum'),
  trait: () => l10n.t('trait'),
  type: () => l10n.t('type'),
  constant: () => l10n.t('constant'),
  variable: () => l10n.t('variable'),
  field: () => l10n.t('field'),
  module: () => l10n.t('module'),
  namespace: () => l10n.t('namespace'),
  macro: () => l10n.t('macro'),
  heading: () => l10n.t('section'),
  rule: () => l10n.t('rule'),
  key: () => l10n.t('key'),
};
