import { html, nothing, type TemplateResult } from 'lit';
import { formatDuration, linkedMarkdown } from '../../base';
import { post } from '../shared/host';
import * as l10n from '@vscode/l10n';
import { coverageText } from './coverage';
import type { Turn } from './thread';
import { authorTag } from './turn-tags';

/** The footer of a finished turn: author, coverage, time and actions. */
export function turnFoot(turn: Turn, offersModel: boolean): TemplateResult {
  const { answer, explanation, coverage, span } = turn;
  const author = answer?.author ?? explanation?.author;
  return html`<div class="foot">
    ${author ? authorTag(author) : nothing} ${coverage ? html`<span>${coverageText(coverage)}</span>` : nothing}
    ${answer ? html`<span title=${l10n.t('First words after {0}', formatDuration(answer.timing.firstToken))}>${formatDuration(answer.timing.total)}</span>` : nothing}
    ${explanation?.cached ? html`<span>${l10n.t('Cached')}</span>` : nothing}
    ${answer && offersModel ? html`<button class="link" @click=${() => post({ type: 'command', command: 'anchorage.chooseModel' })}>${l10n.t('Add written answers…')}</button>` : nothing}
    <span class="actions">
      ${explanation && span ? iconButton('refresh', l10n.t('Explain again'), () => post({ type: 'explain', span, fresh: true })) : nothing}
      ${answer ? iconButton('layers', l10n.t('Show Cache'), () => post({ type: 'command', command: 'anchorage.showCache' })) : nothing}
      ${iconButton('copy', l10n.t('Copy as Markdown'), () => post({ type: 'copy', text: linkedMarkdown(turn.markdown, turn.citations) }))}
    </span>
  </div>`;
}

function iconButton(icon: string, label: string, action: () => void): TemplateResult {
  return html`<button class="quiet" title=${label} aria-label=${label} @click=${action}>
    <vscode-icon name=${icon}></vscode-icon>
  </button>`;
}
