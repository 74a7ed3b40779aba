import { html, nothing, type TemplateResult } from 'lit';
import { formatCount, formatShare } from '../../base';
import type { IndexStatus } from '../../protocol';
import { post } from '../shared/host';
import * as l10n from '@vscode/l10n';

/** The content before the first question: the state of the index and earlier questions. */
export function welcome(
  status: IndexStatus | undefined,
  earlier: readonly { id: string; question: string }[],
): TemplateResult {
  return html`<div class="welcome">
    <svg
      class="anchor"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <circle cx="12" cy="4.5" r="2"></circle>
      <path
        d="M12 6.5V21M7.5 10h9M4 13.5c0 4.5 3.5 7.5 8 7.5s8-3 8-7.5M2.5 15.5 4 13.5l2 1.5M21.5 15.5 20 13.5 18 15"
      ></path>
    </svg>
    <h2>${l10n.t('Ask about this workspace')}</h2>
    <p class="dim">${l10n.t('Every answer cites the lines it is based on. Nothing leaves this machine.')}</p>
    ${status ? html`<p class="dim">${statusLine(status)}</p>` : nothing}
    ${
      earlier.length > 0
        ? html`<div>
            <h3>${l10n.t('Earlier')}</h3>
            <ul>
              ${earlier.map(
                ({ id, question }) =>
                  html`<li>
                    <button class="row" @click=${() => post({ type: 'history', id })}>
                      <vscode-icon name="history" size="14"></vscode-icon><span class="ellipsis">${question}</span>
                    </button>
                  </li>`,
              )}
            </ul>
          </div>`
        : nothing
    }
  </div>`;
}

function statusLine(status: IndexStatus): string {
  if (status.state === 'indexing' || status.state === 'walking')
    return l10n.t(
      'Indexing: {0} of {1} files ({2}). You can ask now.',
      formatCount(status.filesIndexed),
      formatCount(status.filesKnown),
      formatShare(status.progress),
    );
  if (status.held)
    return status.held === 'paused'
      ? l10n.t('Indexing is paused. {0} files are indexed.', formatCount(status.filesIndexed))
      : l10n.t('Indexing was cancelled. {0} files are indexed.', formatCount(status.filesIndexed));
  return status.filesIndexed > 0 ? l10n.t('{0} files are indexed.', formatCount(status.filesIndexed)) : status.reason;
}
