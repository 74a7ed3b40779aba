import { formatCount, formatLines, formatShare, splitPath } from '../../base';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import type { HostMessage, Summary, SummaryPart } from '../../protocol';
import { post, saveState } from '../shared/host';
import { shared } from '../shared/styles';
import * as l10n from '@vscode/l10n';
import { summaryStyles } from './summary-styles';
import { filterParts, outlineRows, type Row } from './outline';
import { kindName } from './kind-name';

/** Number of rows shown initially, and added by each "show more". A generated file can have thousands of parts. */
const PAGE = 250;

type Progress = Extract<HostMessage, { type: 'summaryProgress' }>;
type Failure = Extract<HostMessage, { type: 'summaryFailed' }>;

/** Shows the outline of a file, with one line per part. A click opens the part. */
@customElement('anchorage-summary')
export class SummaryPanel extends LitElement {
  @state() private summary: Summary | undefined;
  @state() private progress: Progress | undefined;
  @state() private failure: Failure | undefined;
  @state() private collapsed: ReadonlySet<SummaryPart> = new Set();
  @state() private filter = '';
  @state() private limit = PAGE;
  @state() private active = 0;
  @query('input') private input!: HTMLInputElement;
  private rows: Row[] = [];

  static override styles = [shared, summaryStyles];

  receive(message: HostMessage): void {
    if (message.type === 'summaryProgress') {
      const again = this.progress === undefined;
      this.progress = {
        ...message,
        fraction: again ? message.fraction : Math.max(message.fraction, this.progress?.fraction ?? 0),
      };
      this.failure = undefined;
      this.summary = undefined;
      saveState({ file: message.path });
    } else if (message.type === 'summary') {
      this.summary = message.summary;
      this.progress = undefined;
      this.failure = undefined;
      this.collapsed = new Set();
      this.limit = PAGE;
      saveState({ file: message.summary.file });
    } else if (message.type === 'summaryFailed') {
      this.failure = message;
      this.progress = undefined;
    }
  }

  override render(): TemplateResult {
    if (this.failure) return this.failed(this.failure);
    if (this.summary) return this.outline(this.summary);
    return this.working();
  }

  private working(): TemplateResult {
    const fraction = this.progress?.fraction ?? 0;
    return html`<main class="working">
      <h1>${l10n.t('Reading…')}</h1>
      <vscode-progress-bar
        .value=${fraction * 100}
        max="100"
        ?indeterminate=${fraction === 0}
        aria-label=${l10n.t('Summarizing')}
      ></vscode-progress-bar>
      <p class="dim" role="status">${this.progress?.message ?? ''} ${fraction > 0 ? formatShare(fraction) : ''}</p>
      <div><vscode-button secondary @click=${() => post({ type: 'stop' })}>${l10n.t('Stop')}</vscode-button></div>
    </main>`;
  }

  private failed(failure: Failure): TemplateResult {
    return html`<main>
      <div class="failure" role="alert">
        <p><strong>${failure.message}</strong></p>
        ${failure.hint ? html`<p>${failure.hint}</p>` : nothing}
        <vscode-button @click=${() => post({ type: 'command', command: 'anchorage.summarizeFile' })}
          >${l10n.t('Try again')}</vscode-button
        >
      </div>
    </main>`;
  }

  private outline(summary: Summary): TemplateResult {
    this.rows = outlineRows(filterParts(summary.parts, this.filter), this.collapsed);
    this.active = Math.min(this.active, Math.max(0, this.rows.length - 1));
    const shown = this.rows.slice(0, this.limit);
    const { folder, name } = splitPath(summary.path);
    return html`<main>
      <header>
        <h1>${name}</h1>
        <div class="dim">
          ${folder ? `${folder} · ` : ''}${l10n.t('{0} lines', formatCount(summary.lines))} · ${summary.language}
        </div>
        <p class="overview">${summary.overview}</p>
        <div class="meta">
          <span class="tag"
            >${summary.author.kind === 'extractive' ? l10n.t('Quoted from the file') : summary.author.model}</span
          >
          <button class="link" @click=${() => post({ type: 'copy', text: asText(summary) })}>${l10n.t('Copy')}</button>
          <button class="link" @click=${() => post({ type: 'command', command: 'anchorage.summarizeFile' })}>
            ${l10n.t('Summarize again')}
          </button>
        </div>
        ${summary.notices.map((notice) => html`<p class="dim">${notice}</p>`)}
      </header>
      <input
        class="filter"
        type="search"
        placeholder=${l10n.t('Filter parts…')}
        aria-label=${l10n.t('Filter parts')}
        .value=${this.filter}
        @input=${() => (this.filter = this.input.value)}
        @keydown=${this.onFilterKey}
      />
      <div class="hidden" role="status">${this.filter ? l10n.t('{0} parts', this.rows.length) : ''}</div>
      ${
        this.rows.length === 0
          ? html`<p class="dim">
              ${this.filter ? l10n.t('No parts match.') : l10n.t('This file has no parts to list.')}
            </p>`
          : html`<ul class="tree" role="tree" aria-label=${l10n.t('Parts of {0}', name)} @keydown=${this.onKey}>
              ${shown.map((row, index) => this.row(row, index))}
            </ul>`
      }
      ${shown.length < this.rows.length ? html`<button class="link" @click=${() => (this.limit += PAGE)}>${l10n.t('Show {0} more', Math.min(PAGE, this.rows.length - shown.length))}</button>` : nothing}
    </main>`;
  }

  private row({ part, depth, expandable, position, siblings }: Row, index: number): TemplateResult {
    const open = expandable && !this.collapsed.has(part);
    return html`<li
      class="part depth-${Math.min(depth, 4)}"
      role="treeitem"
      id="part-${index}"
      tabindex=${index === this.active ? 0 : -1}
      aria-level=${depth + 1}
      aria-posinset=${position}
      aria-setsize=${siblings}
      aria-expanded=${expandable ? (open ? 'true' : 'false') : nothing}
      aria-selected=${index === this.active ? 'true' : 'false'}
      @click=${() => this.go(index)}
      @focus=${() => (this.active = index)}
    >
      <span class="twisty" @click=${(event: Event) => this.toggle(event, part, expandable)}
        >${expandable ? html`<svg class=${open ? 'open' : ''} width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><path d="M6 4l4 4-4 4" fill="none" stroke="currentColor" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round"></path></svg>` : nothing}</span
      >
      <span class="title"
        >${part.title} ${sameName(part) ? nothing : html`<span class="kind dim">${kindName(part.kind)}</span>`}</span
      >
      <span class="lines dim"><span class="hidden">${l10n.t('lines')}</span> ${formatLines(part)}</span>
      ${part.line ? html`<span class="line">${part.line}${part.author.kind === 'extractive' ? nothing : html` <span class="dim">${l10n.t('(written by {0})', part.author.model)}</span>`}</span>` : nothing}
    </li>`;
  }

  private go(index: number): void {
    const part = this.rows[index]?.part;
    const { summary } = this;
    if (part && summary)
      post({
        type: 'open',
        span: { file: summary.file, path: summary.path, startLine: part.startLine, endLine: part.endLine },
      });
  }

  private toggle(event: Event | undefined, part: SummaryPart, expandable: boolean): void {
    if (!expandable) return;
    event?.stopPropagation();
    const collapsed = new Set(this.collapsed);
    if (!collapsed.delete(part)) collapsed.add(part);
    this.collapsed = collapsed;
  }

  private onFilterKey(event: KeyboardEvent): void {
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      this.focusRow(0);
    }
  }

  /** Handles the keys of a tree: up and down move, right and left expand and collapse, Enter opens the part. */
  private onKey(event: KeyboardEvent): void {
    const row = this.rows[this.active];
    if (!row) return;
    const last = Math.min(this.rows.length, this.limit) - 1;
    const open = row.expandable && !this.collapsed.has(row.part);
    const moves: Record<string, () => void> = {
      ArrowDown: () => this.focusRow(Math.min(last, this.active + 1)),
      ArrowUp: () => this.focusRow(Math.max(0, this.active - 1)),
      Home: () => this.focusRow(0),
      End: () => this.focusRow(last),
      ArrowRight: () =>
        row.expandable && !open
          ? this.toggle(undefined, row.part, true)
          : open
            ? this.focusRow(this.active + 1)
            : undefined,
      ArrowLeft: () =>
        open ? this.toggle(undefined, row.part, true) : row.parent >= 0 ? this.focusRow(row.parent) : undefined,
      Enter: () => this.go(this.active),
      ' ': () => this.go(this.active),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  }

  private focusRow(index: number): void {
    this.active = index;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#part-${index}`)?.focus());
  }
}

/** True if the title is the name of the kind, so that the kind is not shown twice ("Imports imports"). */
function sameName({ title, kind }: SummaryPart): boolean {
  return title.toLowerCase() === kind || ['lines', 'imports', 'comment', 'text'].includes(kind);
}

function asText(summary: Summary): string {
  const outline = (parts: readonly SummaryPart[], depth: number): string[] =>
    parts.flatMap((part) => [
      `${'  '.repeat(depth)}- ${part.title} (${formatLines(part)}): ${part.line}`,
      ...outline(part.children, depth + 1),
    ]);
  return [`# ${summary.path}`, '', summary.overview, '', ...outline(summary.parts, 0)].join('\n');
}
