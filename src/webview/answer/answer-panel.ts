import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { html, LitElement, type TemplateResult } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { HostMessage, IndexStatus } from '../../protocol';
import { loadState, post, saveState } from '../shared/host';
import { plainText } from '../shared/markdown';
import { shared } from '../shared/styles';
import * as l10n from '@vscode/l10n';
import { droppedUris, isDragOfFiles } from './dropped';
import { announcement, heardText, reduceThread, type Turn } from './thread';
import type { TurnElement } from './turn-element';
import './turn-element';
import { welcome } from './welcome';
import { answerPanelStyles } from './answer-panel-styles';

/** A pause in typing (ms) after which the worker reads ahead. */
const TYPING_PAUSE = 500;

interface Saved {
  draft: string;
}

/** The answer panel: the thread, and the input for the next question below it. */
@customElement('anchorage-answer')
export class AnswerPanel extends LitElement {
  @state() private turns: readonly Turn[] = [];
  @state() private earlier: readonly { id: string; question: string }[] = [];
  @state() private status: IndexStatus | undefined;
  @state() private draft = loadState<Saved>().draft ?? '';
  @state() private spoken = '';
  @query('.thread') private thread!: HTMLElement;
  @query('textarea') private input!: HTMLTextAreaElement;
  private inbox: HostMessage[] = [];
  private frame = 0;
  private pause: ReturnType<typeof setTimeout> | undefined;
  /** Number of characters and the phase of the running turn that the screen reader has announced. */
  private told = { id: '', characters: 0, phase: '' };
  private followsEnd = true;
  private readerMovedAt = -Infinity;
  /** The turn that was scrolled to last, with its stage. */
  private broughtIn = '';

  static override styles = [shared, answerPanelStyles];

  receive(message: HostMessage): void {
    // Tokens arrive faster than frames are drawn, so the messages of one frame are gathered.
    this.inbox.push(message);
    if (this.frame) return;
    const flush = (): void => {
      cancelAnimationFrame(this.frame);
      clearTimeout(late);
      this.frame = 0;
      for (const each of this.inbox.splice(0)) this.apply(each);
    };
    this.frame = requestAnimationFrame(flush);
    const late = setTimeout(flush, 120);
  }

  override render(): TemplateResult {
    const indexing =
      this.status && (this.status.state === 'indexing' || this.status.state === 'walking')
        ? { files: this.status.filesIndexed, of: this.status.filesKnown }
        : undefined;
    const model = this.status?.model;
    // The bundled model ranks and never writes.
    const offersModel = model !== undefined && (model.state === 'none' || model.author.kind === 'bundled');
    const running = this.turns.some((turn) => turn.state === 'pending');
    return html`
      <div
        class="thread"
        role="region"
        aria-label=${l10n.t('Answers')}
        tabindex="0"
        @scroll=${this.onScroll}
        @wheel=${this.onReaderMoves}
        @pointerdown=${this.onReaderMoves}
        @keydown=${this.onReaderMoves}
      >
        ${
          this.turns.length === 0
            ? welcome(this.status, this.earlier)
            : repeat(
                this.turns,
                ({ id }) => id,
                (turn) =>
                  html`<anchorage-turn
                    .turn=${turn}
                    .indexing=${indexing}
                    .offersModel=${offersModel}
                  ></anchorage-turn>`,
              )
        }
      </div>
      <div class="hidden" role="status" aria-live="polite">${this.spoken}</div>
      <form @submit=${this.onSubmit} @dragover=${this.onDragOver} @drop=${this.onDrop}>
        <div class="box">
          <textarea
            rows="1"
            .value=${this.draft}
            aria-label=${this.turns.length > 0 ? l10n.t('Ask a follow-up question') : l10n.t('Ask about this workspace')}
            placeholder=${this.turns.length > 0 ? l10n.t('Ask a follow-up…') : l10n.t('Ask about this workspace… # names a file')}
            @input=${this.onInput}
            @keydown=${this.onKey}
          ></textarea>
          ${
            running
              ? html`<button
                  class="send"
                  type="button"
                  title=${l10n.t('Stop (Escape)')}
                  aria-label=${l10n.t('Stop')}
                  @click=${() => post({ type: 'stop' })}
                >
                  <vscode-icon name="debug-stop"></vscode-icon>
                </button>`
              : html`<button
                  class="send"
                  type="submit"
                  title=${l10n.t('Ask (Enter)')}
                  aria-label=${l10n.t('Ask')}
                  ?disabled=${this.draft.trim() === ''}
                >
                  <vscode-icon name="send"></vscode-icon>
                </button>`
          }
        </div>
      </form>
    `;
  }

  override updated(): void {
    const last = this.turns.at(-1);
    const stage = last && `${last.id} ${last.state === 'pending' ? 'begun' : 'ended'}`;
    if (stage && stage !== this.broughtIn && (last.state === 'pending' || this.followsEnd)) {
      // A new turn is scrolled to the top, and again at its full height, unless the reader has scrolled.
      this.broughtIn = stage;
      void this.lastTurn()?.updateComplete.then(() => this.lastTurn()?.scrollIntoView({ block: 'start' }));
    } else if (this.followsEnd && last?.state === 'pending') {
      // The turn renders its text after this panel. Only then is its height known.
      void this.lastTurn()?.updateComplete.then(() => {
        if (this.followsEnd) this.thread.scrollTop = this.thread.scrollHeight;
      });
    }
  }

  private lastTurn(): TurnElement | undefined {
    return [...this.renderRoot.querySelectorAll<TurnElement>('anchorage-turn')].at(-1);
  }

  private apply(message: HostMessage): void {
    if (message.type === 'reference') this.insertReference(message.text);
    else if (message.type === 'answerHistory') this.earlier = message.answers;
    else if (message.type === 'status') this.status = message.status;
    else this.turns = reduceThread(this.turns, message);
    if (message.type === 'answerStarted' || message.type === 'explanationStarted') this.followsEnd = true;
    this.speak();
  }

  /** Announces phases, finished paragraphs and the end to the screen reader. */
  private speak(): void {
    const turn = this.turns.at(-1);
    if (!turn) return;
    const text = heardText(turn);
    if (turn.id !== this.told.id)
      this.told = { id: turn.id, characters: turn.state === 'pending' ? 0 : text.length, phase: turn.state };
    const next = announcement(text, this.told.characters, turn.state !== 'pending');
    this.told.characters += next.length;
    const parts = next.trim() ? [plainText(next)] : [];
    const phase = turn.state === 'pending' ? (turn.phase ?? 'retrieving') : turn.state;
    if (phase !== this.told.phase) {
      this.told.phase = phase;
      const words = {
        retrieving: l10n.t('Searching the workspace'),
        loading: l10n.t('Loading the model'),
        reading: l10n.t('Reading'),
        writing: '',
        done: l10n.t('Answer complete, {0} sources.', turn.citations.length),
        failed: l10n.t('Failed'),
        stopped: l10n.t('Stopped.'),
      }[phase];
      if (words) parts.push(words);
    }
    if (parts.length > 0) this.spoken = parts.join(' ');
  }

  private onSubmit(event: Event): void {
    event.preventDefault();
    const question = this.draft.trim();
    if (!question) return;
    clearTimeout(this.pause);
    post({ type: 'ask', question, followUp: this.turns.length > 0 });
    this.setDraft('');
    this.input.focus();
  }

  private onInput(event: InputEvent): void {
    this.setDraft(this.input.value);
    clearTimeout(this.pause);
    this.pause = setTimeout(
      () => post({ type: 'typing', question: this.draft.trim(), followUp: this.turns.length > 0 }),
      TYPING_PAUSE,
    );
    const before = this.input.value.slice(0, this.input.selectionStart);
    // A `#` that begins a word names a file or folder.
    if (event.data === '#' && /(^|\s)#$/.test(before)) post({ type: 'reference' });
  }

  /** Puts a picked reference in place of the `#` before the cursor. */
  private insertReference(text: string): void {
    const { selectionStart: at } = this.input;
    const before = this.draft.slice(0, at).replace(/#$/, '');
    const inserted = `${before}${text} `;
    this.setDraft(inserted + this.draft.slice(at));
    void this.updateComplete.then(() => {
      this.input.focus();
      this.input.setSelectionRange(inserted.length, inserted.length);
    });
  }

  private onDragOver(event: DragEvent): void {
    if (!isDragOfFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
  }

  private onDrop(event: DragEvent): void {
    const uris = droppedUris(event);
    if (uris.length === 0) return;
    event.preventDefault();
    post({ type: 'dropped', uris });
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) this.onSubmit(event);
    if (event.key === 'Escape') post({ type: 'stop' });
  }

  private setDraft(draft: string): void {
    this.draft = draft;
    saveState<Saved>({ draft });
  }

  private onReaderMoves(): void {
    this.readerMovedAt = performance.now();
  }

  /** Stops following the end of the answer if the reader scrolls up. The panel's own scrolling does not count. */
  private onScroll(): void {
    if (performance.now() - this.readerMovedAt > 1_000) return;
    this.followsEnd = this.thread.scrollHeight - this.thread.scrollTop - this.thread.clientHeight < 40;
  }
}
