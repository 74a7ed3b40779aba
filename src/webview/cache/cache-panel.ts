import { formatBytes, formatCount, formatLines, splitPath } from '../../base';
import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { AnswerTiming, ContextLedger, HostMessage, IndexStatus } from '../../protocol';
import { post } from '../shared/host';
import { shared } from '../shared/styles';
import * as l10n from '@vscode/l10n';
import './context-strip';
import { kindColours } from './kind-colours';
import { kindName, kindSource, kindTip } from './kinds';
import { fileTotals, kindTotals, keptTokens, totals } from './strip-layout';
import './timing-bar';

const FIRST_FILES = 12;

/** Shows the context of the last question: to scale, by kind and by file, with its size and time. */
@customElement('anchorage-cache')
export class CachePanel extends LitElement {
  @state() private ledger: ContextLedger | null = null;
  @state() private timing: AnswerTiming | undefined;
  @state() private question = '';
  @state() private files = FIRST_FILES;
  @state() private memories: IndexStatus['memories'];

  static override styles = [
    shared,
    kindColours,
    css`
      :host {
        display: block;
        padding: 10px 20px 20px;
      }
      header {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 20px;
        align-items: baseline;
        margin-bottom: 10px;
      }
      h2 {
        font-size: 1em;
        font-weight: 600;
        flex: 1 1 16em;
        min-width: 0;
      }
      h3 {
        font-size: 0.85em;
        font-weight: 600;
        text-transform: uppercase;
        letter-spacing: 0.04em;
        color: var(--vscode-descriptionForeground);
        margin-bottom: 4px;
      }
      .figures {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 20px;
        list-style: none;
        padding: 0;
      }
      .columns {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr));
        gap: 18px 36px;
        margin-top: 14px;
        align-items: start;
      }
      table {
        width: 100%;
        border-collapse: collapse;
        font-variant-numeric: tabular-nums;
      }
      th {
        font-weight: 400;
        color: var(--vscode-descriptionForeground);
        text-align: end;
        padding: 1px 0 3px 14px;
        white-space: nowrap;
      }
      td {
        padding: 1px 0 1px 14px;
        text-align: end;
        white-space: nowrap;
      }
      th:first-child,
      td:first-child {
        text-align: start;
        padding-inline-start: 0;
        width: 100%;
        max-width: 0;
      }
      @media (max-width: 340px) {
        /* A narrow panel shows names instead of sizes. */
        th:nth-child(4),
        td:nth-child(4),
        td .folder {
          display: none;
        }
      }
      td .name {
        display: flex;
        align-items: center;
        gap: 7px;
        min-width: 0;
      }
      td .name button {
        display: flex;
        gap: 6px;
        min-width: 0;
      }
      .swatches {
        display: inline-flex;
        gap: 2px;
        flex: none;
      }
      .note {
        margin: 0 0 10px;
      }
      .memories {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 16px;
        margin: 0 0 10px;
      }
      .standstill {
        display: inline-flex;
        gap: 5px;
        align-items: center;
      }
      .empty {
        padding: 8px 0;
        max-width: 44em;
      }
      section {
        min-width: 0;
      }
    `,
  ];

  receive(message: HostMessage): void {
    if (message.type === 'status') this.memories = message.status.memories;
    if (message.type !== 'ledger') return;
    if (message.question !== this.question) this.files = FIRST_FILES;
    this.ledger = message.ledger;
    this.timing = message.timing;
    this.question = message.question;
  }

  override render(): TemplateResult {
    const { ledger } = this;
    if (!ledger) {
      return html`${this.remembered()}
        <p class="empty dim">${l10n.t('Ask a question to see how your workspace fits in the model’s context.')}</p>`;
    }
    const sum = totals(ledger);
    const kept = keptTokens(ledger);
    const compressed = ledger.note === undefined;
    return html`
      <header>
        <h2 class="ellipsis" title=${this.question}>${this.question}</h2>
        <ul class="figures">
          ${compressed ? html`<li>${l10n.t('{0} tokens per row', (sum.tokens / Math.max(1, sum.rows)).toFixed(1))}</li>` : nothing}
          ${sum.bytes > 0 ? html`<li>${formatBytes(sum.bytes)}</li>` : nothing}
          ${kept === undefined ? nothing : html`<li>${l10n.t('{0} of {1} tokens kept from earlier questions', formatCount(kept), formatCount(sum.tokens))}</li>`}
          ${ledger.cache?.evictions ? html`<li>${l10n.t('{0} kept texts dropped to make room', formatCount(ledger.cache.evictions))}</li>` : nothing}
        </ul>
      </header>
      ${this.remembered()} ${ledger.note ? html`<p class="note dim">${ledger.note}</p>` : nothing}
      ${ledger.left ? html`<p class="note">${l10n.t('Not read (no room left, or changed since): {0}', ledger.left.map((span) => `${span.path}:${formatLines(span)}`).join(', '))}</p>` : nothing}
      <anchorage-strip .ledger=${ledger}></anchorage-strip>
      <div class="columns">
        ${this.kinds(ledger, compressed)} ${this.fileTable(ledger, compressed)}
        ${
          this.timing
            ? html`<section>
                <h3>${l10n.t('Time')}</h3>
                <anchorage-timing .timing=${this.timing}></anchorage-timing>
              </section>`
            : nothing
        }
      </div>
    `;
  }

  /** The encoded share of the workspace, and the reason if encoding has stopped. */
  private remembered(): TemplateResult | typeof nothing {
    const { memories } = this;
    if (!memories) return nothing;
    const { encoded, segments, fromTeam, team, counting, bytes, budgetBytes, standstill } = memories;
    return html`<p class="memories">
      <span
        >${counting ? l10n.t('{0} of about {1} segments encoded', formatCount(encoded), formatCount(segments)) : l10n.t('{0} of {1} segments encoded', formatCount(encoded), formatCount(segments))}</span
      >
      <span class="dim">${l10n.t('{0} of at most {1}', formatBytes(bytes), formatBytes(budgetBytes))}</span>
      ${fromTeam ? html`<span>${l10n.t('{0} from the team', formatCount(fromTeam))}</span>` : nothing}
      ${team?.reason ? html`<span class="standstill"><vscode-icon name="warning" size="14"></vscode-icon><span>${l10n.t('The team’s memory is not used: {0}', team.reason)}</span></span>` : nothing}
      ${standstill ? html`<span class="standstill"><vscode-icon name=${standstill.cause === 'paused' ? 'debug-pause' : 'warning'} size="14"></vscode-icon><span>${standstill.reason}</span></span>` : nothing}
    </p>`;
  }

  private kinds(ledger: ContextLedger, compressed: boolean): TemplateResult {
    return html`<section>
      <h3 id="kinds">${l10n.t('By kind')}</h3>
      <table aria-labelledby="kinds">
        ${head(l10n.t('Kind'), compressed)}
        <tbody>
          ${kindTotals(ledger).map(
            ({ kind, tokens, rows, bytes }) =>
              html`<tr title=${kindTip(kind)}>
                <td>
                  <span class="name"
                    ><span class="swatch kind-${kind}"></span><span class="ellipsis">${kindName(kind)}</span>
                    <span class="dim">${kindSource(kind).word}</span></span
                  >
                </td>
                ${figures({ tokens, rows, bytes }, compressed)}
              </tr>`,
          )}
        </tbody>
      </table>
    </section>`;
  }

  private fileTable(ledger: ContextLedger, compressed: boolean): TemplateResult | typeof nothing {
    const files = fileTotals(ledger);
    if (files.length === 0) return nothing;
    const shown = files.slice(0, this.files);
    return html`<section>
      <h3 id="files">${l10n.t('By file')} (${formatCount(files.length)})</h3>
      <table aria-labelledby="files">
        ${head(l10n.t('File'), compressed)}
        <tbody>
          ${shown.map((file) => {
            const { folder, name } = splitPath(file.path);
            const { startLine, endLine } = file;
            return html`<tr>
              <td>
                <span class="name">
                  <span class="swatches" aria-hidden="true"
                    >${file.kinds.map((kind) => html`<span class="swatch kind-${kind}"></span>`)}</span
                  >
                  <button
                    class="link"
                    title=${file.path}
                    @click=${() => post({ type: 'open', span: { file: file.file, path: file.path, startLine, endLine } })}
                  >
                    <span class="ellipsis">${name}</span>
                  </button>
                  <span class="dim ellipsis folder">${folder}</span>
                </span>
              </td>
              ${figures(file, compressed)}
            </tr>`;
          })}
        </tbody>
      </table>
      ${shown.length < files.length ? html`<button class="link" @click=${() => (this.files += 50)}>${l10n.t('Show {0} more', Math.min(50, files.length - shown.length))}</button>` : nothing}
    </section>`;
  }
}

function head(what: string, compressed: boolean): TemplateResult {
  const columns = compressed ? [l10n.t('tokens'), l10n.t('rows'), l10n.t('size')] : [l10n.t('characters')];
  return html`<thead>
    <tr>
      <th scope="col"><span class="hidden">${what}</span></th>
      ${columns.map((column) => html`<th scope="col">${column}</th>`)}
    </tr>
  </thead>`;
}

function figures(
  { tokens, rows, bytes }: { tokens: number; rows: number; bytes: number },
  compressed: boolean,
): TemplateResult {
  return compressed
    ? html`<td>${formatCount(tokens)}</td>
        <td>${formatCount(rows)}</td>
        <td>${formatBytes(bytes)}</td>`
    : html`<td>${formatCount(rows)}</td>`;
}
