import { formatCount, formatDuration, formatLines, formatShare, splitPath } from '../../base';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-icon/index.js';
import '@vscode-elements/elements/dist/vscode-progress-ring/index.js';
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { guard } from 'lit/directives/guard.js';
import { unsafeHTML } from 'lit/directives/unsafe-html.js';
import type { Author, Citation } from '../../protocol';
import { post } from '../shared/host';
import { renderMarkdown } from '../shared/markdown';
import { prose, shared } from '../shared/styles';
import { t } from '../shared/strings';
import { coverageText, filesText, isPartial } from './coverage';
import type { Turn } from './thread';

/** Citations listed below an answer before "show more". */
const LISTED = 8;

/** One question with its answer, or one explanation. */
@customElement('anchorage-turn')
export class TurnElement extends LitElement {
  @property({ attribute: false }) turn!: Turn;
  /** While a question waits for the index: how far it is. */
  @property({ attribute: false }) indexing: { files: number; of: number } | undefined;
  @state() private opened = new Set<number>();
  @state() private all = false;

  static override styles = [
    shared,
    prose,
    css`
      :host {
        display: block;
        padding: 14px 16px 16px;
      }
      :host + :host {
        border-top: 1px solid var(--vscode-sideBarSectionHeader-border, var(--vscode-widget-border, transparent));
      }
      h2 {
        font-size: 1.12em;
        font-weight: 600;
        line-height: 1.35;
        overflow-wrap: anywhere;
      }
      .scope {
        margin: 5px 0 10px;
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
      }
      .phase {
        display: flex;
        align-items: center;
        gap: 8px;
        color: var(--vscode-descriptionForeground);
        margin: 10px 0;
        min-height: 18px;
      }
      vscode-progress-ring {
        --vsc-progress-ring-size: 16px;
        width: 16px;
        height: 16px;
      }
      .sources {
        margin-top: 14px;
      }
      .sources h3 {
        font-size: 0.85em;
        font-weight: 600;
        text-transform: uppercase;
        letter-spacing: 0.04em;
        color: var(--vscode-descriptionForeground);
        margin-bottom: 4px;
      }
      .sources ol {
        list-style: none;
        padding: 0;
        margin: 0 -6px;
      }
      .source {
        display: flex;
        align-items: flex-start;
      }
      .source > button.row {
        flex: 1;
        min-width: 0;
        padding: 3px 6px;
        align-items: center;
      }
      .source .number {
        flex: none;
      }
      .number {
        min-width: 1.5em;
        padding: 0 4px;
        border-radius: 8px;
        border: 1px solid var(--vscode-contrastBorder, transparent);
        background: var(--vscode-badge-background);
        color: var(--vscode-badge-foreground);
        font-size: 0.8em;
        font-weight: 600;
        text-align: center;
        line-height: 1.5;
      }
      .where {
        display: flex;
        flex-direction: column;
        min-width: 0;
        line-height: 1.35;
      }
      .where .path {
        font-size: 0.9em;
      }
      .source > button.quiet {
        flex: none;
        padding: 5px;
        display: flex;
      }
      pre.quote {
        margin: 2px 6px 8px 34px;
        padding: 6px 10px;
        max-height: 16em;
        overflow: auto;
        font-family: var(--vscode-editor-font-family, monospace);
        font-size: 0.9em;
        line-height: 1.4;
        background: var(--vscode-textCodeBlock-background);
        border: 1px solid var(--vscode-widget-border, var(--vscode-contrastBorder, transparent));
        border-radius: 4px;
      }
      .notices {
        list-style: none;
        padding: 0;
        margin-top: 12px;
      }
      .again {
        margin: 4px 0 0 22px;
      }
      .notices li {
        display: flex;
        gap: 6px;
        color: var(--vscode-descriptionForeground);
      }
      .notices vscode-icon {
        flex: none;
        padding-top: 2px;
      }
      .notices span {
        min-width: 0;
        overflow-wrap: anywhere;
      }
      .foot {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 6px;
        margin-top: 14px;
        color: var(--vscode-descriptionForeground);
        font-size: 0.92em;
      }
      .foot .actions {
        margin-inline-start: auto;
        display: flex;
        gap: 2px;
      }
      .foot .actions button {
        display: flex;
        padding: 4px;
      }
      .failure {
        border: 1px solid var(--vscode-inputValidation-errorBorder);
        background: var(--vscode-inputValidation-errorBackground);
        color: var(--vscode-inputValidation-errorForeground, inherit);
        border-radius: 4px;
        padding: 8px 12px;
        margin-top: 10px;
      }
      .failure .actions {
        display: flex;
        gap: 8px;
        margin-top: 8px;
        flex-wrap: wrap;
      }
      .cursor::after {
        content: '';
        display: inline-block;
        width: 7px;
        height: 1em;
        vertical-align: text-bottom;
        background: var(--vscode-editorCursor-foreground, currentColor);
        opacity: 0.7;
      }
    `,
  ];

  override render(): TemplateResult {
    const { turn } = this;
    const writing = turn.state === 'pending';
    return html`
      <article aria-busy=${writing ? 'true' : 'false'} aria-labelledby="title">
        <h2 id="title">${this.heading()}</h2>
        <div class="scope">${this.scopeTag()}${this.partialTag()}</div>
        ${turn.markdown ? this.body(turn) : nothing} ${writing ? this.phase() : nothing}
        ${turn.state === 'failed' ? this.failure() : nothing}
        ${turn.state === 'stopped' ? html`<p class="dim">${t('Stopped.')}</p>` : nothing}
        ${turn.citations.length > 0 ? this.sources() : nothing} ${this.notices()}
        ${turn.state === 'done' ? this.foot() : nothing}
      </article>
    `;
  }

  private heading(): string {
    const { turn } = this;
    if (turn.kind === 'answer') return turn.title;
    return t(
      'Explain {0}',
      turn.title || (turn.span ? `${splitPath(turn.span.path).name}:${formatLines(turn.span)}` : ''),
    );
  }

  private scopeTag(): TemplateResult | typeof nothing {
    const { scope, span } = this.turn;
    if (span)
      return html`<span class="tag"
        ><vscode-icon name="file-code" size="12"></vscode-icon
        ><span class="ellipsis">${span.path}:${formatLines(span)}</span></span
      >`;
    switch (scope?.kind) {
      case undefined:
        return nothing;
      case 'workspace':
        return html`<span class="tag"><vscode-icon name="library" size="12"></vscode-icon>${t('Workspace')}</span>`;
      case 'folder':
        return html`<span class="tag"
          ><vscode-icon name="folder" size="12"></vscode-icon><span class="ellipsis">${scope.path}</span></span
        >`;
      case 'file':
        return html`<span class="tag"
          ><vscode-icon name="file" size="12"></vscode-icon><span class="ellipsis">${fileName(scope.file)}</span></span
        >`;
      case 'selection':
        return html`<span class="tag"
          ><vscode-icon name="list-selection" size="12"></vscode-icon
          ><span class="ellipsis">${fileName(scope.file)}:${formatLines(scope)}</span></span
        >`;
    }
  }

  /** Beside the question, before anything is read of the answer: it may lack what has not been read yet. */
  private partialTag(): TemplateResult | typeof nothing {
    const { coverage, state } = this.turn;
    if (!coverage || state === 'pending' || !isPartial(coverage)) return nothing;
    return html`<span class="tag" title=${t('Not everything had been read when this was answered')}
      ><vscode-icon name="info" size="12"></vscode-icon>${filesText(coverage)}</span
    >`;
  }

  private body(turn: Turn): TemplateResult {
    const labels = new Map(
      turn.citations.map((citation) => [citation.number, { number: citation.number, label: citationLabel(citation) }]),
    );
    return html`<div class="prose ${turn.state === 'pending' ? 'writing' : ''}" @click=${this.onProseClick}>
      ${guard([turn.markdown, turn.citations], () => unsafeHTML(renderMarkdown(turn.markdown, labels)))}
    </div>`;
  }

  private phase(): TemplateResult {
    const { turn } = this;
    const waiting =
      turn.phase === undefined && this.indexing
        ? t(
            'Reading the workspace first: {0} of {1} files…',
            formatCount(this.indexing.files),
            formatCount(this.indexing.of),
          )
        : undefined;
    const text =
      waiting ??
      turn.progress?.message ??
      {
        retrieving: t('Searching the workspace…'),
        reading: turn.found ? t('Reading {0} spans…', turn.found) : t('Reading…'),
        writing: t('Writing…'),
      }[turn.phase ?? 'retrieving'];
    const share = turn.progress ? ` ${formatShare(turn.progress.fraction)}` : '';
    return html`<div class="phase">
      <vscode-progress-ring aria-label=${t('Working')}></vscode-progress-ring><span>${text}${share}</span>
    </div>`;
  }

  private failure(): TemplateResult {
    const { failure, kind, title, span } = this.turn;
    const again = (): void => {
      if (kind === 'answer') post({ type: 'ask', question: title, followUp: false });
      else if (span) post({ type: 'explain', span, fresh: true });
    };
    return html`<div class="failure" role="alert">
      <p><strong>${failure?.message}</strong></p>
      ${failure?.hint ? html`<p>${failure.hint}</p>` : nothing}
      <div class="actions">
        <vscode-button @click=${again}>${t('Try again')}</vscode-button>
        <vscode-button secondary @click=${() => post({ type: 'command', command: 'anchorage.showLog' })}
          >${t('Show log')}</vscode-button
        >
      </div>
    </div>`;
  }

  private sources(): TemplateResult {
    const sorted = [...this.turn.citations].sort((a, b) => a.number - b.number);
    const listed = this.all ? sorted : sorted.slice(0, LISTED);
    return html`<div class="sources">
      <h3 id="sources">${t('Sources')}</h3>
      <ol aria-labelledby="sources">
        ${listed.map((citation) => this.source(citation))}
      </ol>
      ${listed.length < sorted.length ? html`<button class="link" @click=${() => (this.all = true)}>${t('Show {0} more', sorted.length - listed.length)}</button>` : nothing}
    </div>`;
  }

  private source(citation: Citation): TemplateResult {
    const open = this.opened.has(citation.number);
    const { folder, name } = splitPath(citation.path);
    return html`<li>
      <div class="source">
        <button
          class="row"
          data-citation=${citation.number}
          @click=${() => openCitation(citation)}
          title=${citationLabel(citation)}
        >
          <span class="hidden">${t('Open citation')}</span><span class="number">${citation.number}</span>
          <span class="where">
            <span class="ellipsis">${citation.label || name}</span>
            <span class="path dim ellipsis"
              >${name}:${formatLines(citation)}${folder ? html` · ${folder}` : nothing}</span
            >
          </span>
        </button>
        <button
          class="quiet"
          aria-expanded=${open ? 'true' : 'false'}
          aria-label=${t('Quoted lines of citation {0}', citation.number)}
          title=${t('Show the quoted lines')}
          @click=${() => this.toggle(citation.number)}
        >
          <vscode-icon name=${open ? 'chevron-up' : 'chevron-down'}></vscode-icon>
        </button>
      </div>
      ${open ? html`<pre class="quote" tabindex="0" role="group" aria-label=${t('Quoted lines of citation {0}', citation.number)}>${citation.text}</pre>` : nothing}
    </li>`;
  }

  private notices(): TemplateResult | typeof nothing {
    const { answer, coverage, title } = this.turn;
    const notices = answer?.notices ?? [];
    if (notices.length === 0) return nothing;
    // An answer from part of the workspace is worth asking for again.
    const partial = coverage?.indexing && isPartial(coverage);
    return html`<ul class="notices">
        ${notices.map((notice) => html`<li><vscode-icon name="info"></vscode-icon><span>${notice}</span></li>`)}
      </ul>
      ${coverage?.held ? html`<button class="link again" @click=${() => post({ type: 'command', command: 'anchorage.resumeIndexing' })}>${t('Resume indexing')}</button>` : nothing}
      ${partial && !coverage.held ? html`<button class="link again" @click=${() => post({ type: 'ask', question: title, followUp: false })}>${t('Ask again with what has been read since')}</button>` : nothing}`;
  }

  private foot(): TemplateResult {
    const { turn } = this;
    const author = turn.answer?.author ?? turn.explanation?.author;
    const timing = turn.answer?.timing;
    return html`<div class="foot">
      ${author ? authorTag(author) : nothing}
      ${turn.coverage ? html`<span>${coverageText(turn.coverage)}</span>` : nothing}
      ${timing ? html`<span title=${t('First words after {0}', formatDuration(timing.firstToken))}>${formatDuration(timing.total)}</span>` : nothing}
      ${turn.explanation?.cached ? html`<span>${t('kept from before')}</span>` : nothing}
      <span class="actions">
        ${turn.explanation && turn.span ? iconButton('refresh', t('Explain anew'), () => turn.span && post({ type: 'explain', span: turn.span, fresh: true })) : nothing}
        ${turn.answer ? iconButton('layers', t('Show what the context held'), () => post({ type: 'command', command: 'anchorage.showCache' })) : nothing}
        ${iconButton('copy', t('Copy'), () => post({ type: 'copy', text: withSources(turn) }))}
      </span>
    </div>`;
  }

  private toggle(number: number): void {
    const opened = new Set(this.opened);
    if (!opened.delete(number)) opened.add(number);
    this.opened = opened;
  }

  private onProseClick(event: MouseEvent): void {
    const button = (event.target as HTMLElement).closest<HTMLElement>('button.citation');
    const citation = this.turn.citations.find(({ number }) => number === Number(button?.dataset['citation']));
    if (citation) openCitation(citation);
  }
}

function iconButton(icon: string, label: string, action: () => void): TemplateResult {
  return html`<button class="quiet" title=${label} aria-label=${label} @click=${action}>
    <vscode-icon name=${icon}></vscode-icon>
  </button>`;
}

function openCitation(citation: Citation): void {
  const { file, path, startLine, endLine } = citation;
  post({ type: 'open', span: { file, path, startLine, endLine }, citation });
}

export function citationLabel(citation: Citation): string {
  const lines =
    citation.startLine === citation.endLine
      ? t('line {0}', citation.startLine)
      : t('lines {0} to {1}', citation.startLine, citation.endLine);
  return `${citation.path}, ${lines}`;
}

function authorTag(author: Author): TemplateResult {
  if (author.kind === 'extractive')
    return html`<span class="tag" title=${t('No model wrote this: it is quoted from the files.')}
      ><vscode-icon name="quote" size="12"></vscode-icon>${t('Quoted')}</span
    >`;
  return html`<span
    class="tag"
    title=${author.kind === 'bundled' ? t('Written by the bundled model, on this machine') : t('Written by the model you chose, on this machine')}
    ><vscode-icon name="chip" size="12"></vscode-icon><span class="ellipsis">${author.model}</span></span
  >`;
}

function withSources(turn: Turn): string {
  const sources = turn.citations.map(
    (citation) => `[${citation.number}] ${citation.path}:${citation.startLine}-${citation.endLine}`,
  );
  return [turn.markdown, ...(sources.length > 0 ? ['', ...sources] : [])].join('\n');
}

function fileName(file: string): string {
  return file.split(/[\\/]/).at(-1) ?? file;
}
