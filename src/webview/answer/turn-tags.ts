import { html, nothing, type TemplateResult } from 'lit';
import { formatLines } from '../../base';
import type { Author } from '../../protocol';
import * as l10n from '@vscode/l10n';
import { filesText, isPartial } from './coverage';
import type { Turn } from './thread';

type Tag = TemplateResult | typeof nothing;

/** A tag with the scope of a question, or the explained lines. */
export function scopeTag({ scope, span }: Turn): Tag {
  if (span) return tag('file-code', `${span.path}:${formatLines(span)}`);
  switch (scope?.kind) {
    case undefined:
      return nothing;
    case 'workspace':
      return tag('library', l10n.t('Workspace'));
    case 'folder':
      return tag('folder', scope.path);
    case 'file':
      return tag('file', fileName(scope.file));
    case 'paths':
      return tag('files', scope.paths.map((path) => fileName(path)).join(', '), scope.paths.join('\n'));
    case 'selection':
      return tag('list-selection', `${fileName(scope.file)}:${formatLines(scope)}`);
  }
}

/** A tag for an answer that may lack files that were not indexed yet. */
export function partialTag({ coverage, state }: Turn): Tag {
  if (!coverage || state === 'pending' || !isPartial(coverage)) return nothing;
  return tag('info', filesText(coverage), l10n.t('Answered before indexing finished'));
}

export function authorTag(author: Author): TemplateResult {
  if (author.kind === 'extractive')
    return tag('quote', l10n.t('Quoted'), l10n.t('Quoted from your files. No model-written text.'));
  const title =
    author.kind === 'bundled'
      ? l10n.t('Written by the bundled model, on this machine')
      : l10n.t('Written by the model you chose, on this machine');
  return tag('chip', author.model, title);
}

function tag(icon: string, text: string, title?: string): TemplateResult {
  return html`<span class="tag" title=${title ?? nothing}
    ><vscode-icon name=${icon} size="12"></vscode-icon><span class="ellipsis">${text}</span></span
  >`;
}

function fileName(file: string): string {
  return file.split(/[\\/]/).at(-1) ?? file;
}
