import { formatLines, splitPath } from '../../base';
import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { HostMessage, RankedSpan, RankReason } from '../../protocol';
import { post } from '../shared/host';
import { shared } from '../shared/styles';
import * as l10n from '@vscode/l10n';

const FIRST = 20;
/**
 * Milliseconds of focus on a span before the editor previews it, so that a held arrow key does not open every span.
 */
const PREVIEW_DELAY = 140;

/** The spans found for a question, best first, with reasons. The editor previews the focused span. */
@customElement('anchorage-spans')
export class SpansPanel extends LitElement {
  @state() private spans: readonly RankedSpan[] = [];
  @state() private question = '';
  @state() private all = false;
  @state() private active = 0;
  private timer = 0;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        padding: 4px 0 12px;
      }
      .empty {
        padding: 12px 20px;
      }
      ul {
        list-style: none;
        padding: 0;
      }
      .span {
        display: grid;
        grid-template-columns: 2em minmax(0, 1fr);
        padding: 1px 14px 2px 6px;
        line-height: 1.4;
        cursor: pointer;
        border: 1px solid transparent;
        outline-offset: -1px;
      }
      .span:hover {
        background: var(--vscode-list-hoverBackground);
        color: var(--vscode-list-hoverForeground, inherit);
      }
      .span[aria-selected='true'] {
        background: var(--vscode-list-inactiveSelectionBackground);
        color: var(--vscode-list-inactiveSelectionForeground, inherit);
      }
      .span:focus {
        outline: 1px solid var(--vscode-list-focusOutline, var(--vscode-focusBorder));
        background: var(--vscode-list-activeSelectionBackground);
        color: var(--vscode-list-activeSelectionForeground);
      }
      .span:focus .dim,
      .span[aria-selected='true'] .dim {
        color: inherit;
      }
      :host-context(.vscode-high-contrast) .span[aria-selected='true'],
      :host-context(.vscode-high-contrast-light) .span[aria-selected='true'] {
        border: 1px dashed var(--vscode-contrastActiveBorder);
      }
      .rank {
        text-align: end;
        padding-inline-end: 8px;
        font-variant-numeric: tabular-nums;
      }
      .title {
        display: flex;
        gap: 6px;
        align-items: baseline;
      }
      .title .path {
        flex: 1 1 40%;
      }
      .title .name {
        flex: 0 1 auto;
        max-width: 60%;
      }
      .reasons {
        display: flex;
        gap: 4px;
        margin-top: 1px;
        overflow: hidden;
      }
      .reason {
        font-size: 0.85em;
        padding: 0 6px;
        border-radius: 8px;
        line-height: 1.4;
        border: 1px solid var(--vscode-contrastBorder, transparent);
        background: color-mix(in srgb, currentColor 10%, transparent);
        flex: 0 1 auto;
      }
      .reason.penalty {
        background: none;
        border-style: dashed;
        border-color: currentColor;
        opacity: 0.85;
        flex-shrink: 0;
        max-width: 50%;
      }
      .more {
        padding: 6px 2.4em;
      }
      .question {
        padding: 2px 14px 6px;
      }
    `,
  ];

  receive(message: HostMessage): void {
    if (message.type !== 'spans') return;
    if (message.question !== this.question) {
      this.active = 0;
      this.all = false;
      document.scrollingElement?.scrollTo({ top: 0 });
    }
    this.spans = message.spans;
    this.question = message.question;
  }

  override render(): TemplateResult {
    if (this.spans.length === 0) {
      return html`<p class="empty dim">
        ${this.question ? l10n.t('Nothing was found for “{0}”.', this.question) : l10n.t('Ask a question to see the lines it finds, best first.')}
      </p>`;
    }
    const shown = this.all ? this.spans : this.spans.slice(0, FIRST);
    return html`
      <p class="question dim ellipsis" title=${this.question}>${this.question}</p>
      <ul role="listbox" aria-label=${l10n.t('Spans found for: {0}', this.question)} @keydown=${this.onKey}>
        ${shown.map((span, index) => this.row(span, index))}
      </ul>
      ${shown.length < this.spans.length ? html`<div class="more"><button class="link" @click=${() => (this.all = true)}>${l10n.t('Show {0} more', this.spans.length - shown.length)}</button></div>` : nothing}
    `;
  }

  private row(span: RankedSpan, index: number): TemplateResult {
    const { folder, name } = splitPath(span.path);
    const title = span.breadcrumb.join(' › ');
    const reasons = [...span.reasons].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, 4);
    return html`<li
      class="span"
      role="option"
      id="span-${index}"
      tabindex=${index === this.active ? 0 : -1}
      aria-selected=${index === this.active ? 'true' : 'false'}
      title=${span.path}
      @click=${() => this.open(index)}
      @focus=${() => this.onFocus(index)}
    >
      <span class="rank dim">${index + 1}</span>
      <div>
        <div class="title">
          <span class="name ellipsis">${title || name}</span>
          <span class="path dim ellipsis mono">${name}:${formatLines(span)}${folder ? ` · ${folder}` : ''}</span>
        </div>
        <div class="reasons">${reasons.map((reason) => reasonTag(reason))}</div>
      </div>
    </li>`;
  }

  private onFocus(index: number): void {
    this.active = index;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.send(index, true), PREVIEW_DELAY);
  }

  private open(index: number): void {
    this.active = index;
    this.send(index, false);
  }

  private send(index: number, preview: boolean): void {
    clearTimeout(this.timer);
    const span = this.spans[index];
    if (span)
      post({
        type: 'open',
        span: { file: span.file, path: span.path, startLine: span.startLine, endLine: span.endLine },
        preview,
      });
  }

  private onKey(event: KeyboardEvent): void {
    const last = (this.all ? this.spans.length : Math.min(FIRST, this.spans.length)) - 1;
    const target = {
      ArrowDown: Math.min(last, this.active + 1),
      ArrowUp: Math.max(0, this.active - 1),
      Home: 0,
      End: last,
    }[event.key];
    if (target !== undefined) {
      event.preventDefault();
      this.active = target;
      void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#span-${target}`)?.focus());
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.send(this.active, false);
    }
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('spans')) this.active = Math.min(this.active, Math.max(0, this.spans.length - 1));
  }
}

function reasonTag(reason: RankReason): TemplateResult {
  const weight = Math.abs(reason.weight).toPrecision(2);
  const ranked =
    reason.weight < 0
      ? l10n.t('Ranked down by {0}: {1}', weight, reason.text)
      : l10n.t('Ranked up by {0}: {1}', weight, reason.text);
  return html`<span class="reason ellipsis ${reason.weight < 0 ? 'penalty' : ''}" title=${ranked} aria-label=${ranked}
    >${reason.weight < 0 ? l10n.t('lower: {0}', reason.text) : reason.text}</span
  >`;
}
