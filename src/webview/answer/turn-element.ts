import { formatCount, formatLines, formatShare, splitPath } from '../../base';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-icon/index.js';
import '@vscode-elements/elements/dist/vscode-progress-ring/index.js';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { guard } from 'lit/directives/guard.js';
import { unsafeHTML } from 'lit/directives/unsafe-html.js';
import { post } from '../shared/host';
import { renderMarkdown } from '../shared/markdown';
import { prose, shared } from '../shared/styles';
import * as l10n from '@vscode/l10n';
import { openCitation } from './citation';
import { citationLabel } from './citation-label';
import { isPartial } from './coverage';
import { sourceList, type OpenedSources } from './source-list';
import { turnFoot } from './turn-foot';
import { turnStyles } from './turn-styles';
import { partialTag, scopeTag } from './turn-tags';
import { shownText, type Turn } from './thread';

/** One question with its answer, or one explanation. */
@customElement('anchorage-turn')
export class TurnElement extends LitElement {
  @property({ attribute: false }) turn!: Turn;
  /** Progress of indexing while a question waits for it. */
  @property({ attribute: false }) indexing: { files: number; of: number } | undefined;
  /** Whether no model is chosen that writes. */
  @property({ attribute: false }) offersModel = false;
  @state() private opened: OpenedSources = { quotes: new Set(), all: false };

  static override styles = [shared, prose, turnStyles];

  override render(): TemplateResult {
    const { turn } = this;
    const writing = turn.state === 'pending';
    return html`
      <article aria-busy=${writing ? 'true' : 'false'} aria-labelledby="title">
        <h2 id="title">${this.heading()}</h2>
        <div class="scope">${scopeTag(turn)}${partialTag(turn)}</div>
        ${turn.markdown ? this.body(turn) : nothing} ${writing ? this.phase() : nothing}
        ${turn.state === 'failed' ? this.failure() : nothing}
        ${turn.state === 'stopped' ? html`<p class="dim">${l10n.t('Stopped.')}</p>` : nothing}
        ${turn.citations.length > 0 ? sourceList(turn.citations, this.opened, (opened) => (this.opened = opened)) : nothing}
        ${this.notices()} ${turn.state === 'done' ? turnFoot(turn, this.offersModel) : nothing}
      </article>
    `;
  }

  private heading(): string {
    const { turn } = this;
    if (turn.kind === 'answer') return turn.title;
    return l10n.t(
      'Explain {0}',
      turn.title || (turn.span ? `${splitPath(turn.span.path).name}:${formatLines(turn.span)}` : ''),
    );
  }

  private body(turn: Turn): TemplateResult {
    const labels = new Map(
      turn.citations.map((citation) => [citation.number, { number: citation.number, label: citationLabel(citation) }]),
    );
    return html`<div class="prose ${turn.state === 'pending' ? 'writing' : ''}" @click=${this.onProseClick}>
      ${guard([turn.prose, turn.markdown, turn.citations], () => unsafeHTML(renderMarkdown(shownText(turn), labels)))}
    </div>`;
  }

  private phase(): TemplateResult {
    const { turn } = this;
    const waiting =
      turn.phase === undefined && this.indexing
        ? l10n.t('Indexing first: {0} of {1} files…', formatCount(this.indexing.files), formatCount(this.indexing.of))
        : undefined;
    const text =
      waiting ??
      turn.progress?.message ??
      {
        retrieving: l10n.t('Searching the workspace…'),
        loading: l10n.t('Loading the model…'),
        reading: turn.reading
          ? l10n.t('Reading {0} of {1} tokens…', formatCount(turn.reading.read), formatCount(turn.reading.total))
          : l10n.t('Reading…'),
        writing: l10n.t('Writing…'),
      }[turn.phase ?? 'retrieving'];
    const share = turn.progress ? ` ${formatShare(turn.progress.fraction)}` : '';
    return html`<div class="phase">
      <vscode-progress-ring aria-label=${l10n.t('Working')}></vscode-progress-ring><span>${text}${share}</span>
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
        <vscode-button @click=${again}>${l10n.t('Try again')}</vscode-button>
        <vscode-button secondary @click=${() => post({ type: 'command', command: 'anchorage.showLog' })}
          >${l10n.t('Show log')}</vscode-button
        >
      </div>
    </div>`;
  }

  private notices(): TemplateResult | typeof nothing {
    const { answer, coverage, title } = this.turn;
    const notices = answer?.notices ?? [];
    if (notices.length === 0) return nothing;
    // Part of the workspace was not indexed yet, so a new answer may be better.
    const partial = coverage?.indexing && isPartial(coverage);
    return html`<ul class="notices">
        ${notices.map((notice) => html`<li><vscode-icon name="info"></vscode-icon><span>${notice}</span></li>`)}
      </ul>
      ${coverage?.held ? html`<button class="link again" @click=${() => post({ type: 'command', command: 'anchorage.resumeIndexing' })}>${l10n.t('Resume indexing')}</button>` : nothing}
      ${partial && !coverage.held ? html`<button class="link again" @click=${() => post({ type: 'ask', question: title, followUp: false })}>${l10n.t('Ask again')}</button>` : nothing}`;
  }

  private onProseClick(event: MouseEvent): void {
    const button = (event.target as HTMLElement).closest<HTMLElement>('button.citation');
    const citation = this.turn.citations.find(({ number }) => number === Number(button?.dataset['citation']));
    if (citation) openCitation(citation);
  }
}
