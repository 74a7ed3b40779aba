import { formatBytes, formatCount, formatLines } from '../../base';
import { css, html, LitElement, nothing, svg, type SVGTemplateResult, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { ContextLedger } from '../../protocol';
import { post } from '../shared/host';
import { shared } from '../shared/styles';
import * as l10n from '@vscode/l10n';
import { kindColours } from './kind-colours';
import { kindMeaning, kindName, originName } from './kinds';
import { kindTotals, layoutBlocks, originsOf, totals, type Block } from './strip-layout';

/** Heights, gap and minimum block width, in pixels. */
const BAR = 26;
const FUNNEL = 34;
const GAP = 1;
const LEAST_WIDTH = 3;

/** Two bars to scale: represented tokens above, and the cache rows they take below. Funnels join them. */
@customElement('anchorage-strip')
export class ContextStrip extends LitElement {
  @property({ attribute: false }) ledger!: ContextLedger;
  @state() private width = 600;
  @state() private active = -1;
  private blocks: Block[] = [];
  private readonly observer = new ResizeObserver(([entry]) => {
    if (entry) this.width = Math.max(120, Math.floor(entry.contentRect.width));
  });

  static override styles = [
    shared,
    kindColours,
    css`
      :host {
        display: block;
        position: relative;
      }
      .strip {
        border-radius: 3px;
      }
      svg {
        display: block;
        width: 100%;
      }
      rect.block {
        cursor: default;
        stroke: transparent;
        stroke-width: 1;
      }
      rect.block.opens {
        cursor: pointer;
      }
      rect.block.active {
        stroke: var(--vscode-foreground);
        stroke-width: 2;
      }
      path.funnel {
        opacity: 0.28;
      }
      :host-context(.vscode-high-contrast) path.funnel,
      :host-context(.vscode-high-contrast-light) path.funnel {
        opacity: 0.5;
      }
      rect.free {
        fill: color-mix(in srgb, var(--vscode-foreground) 6%, transparent);
        stroke: var(--vscode-descriptionForeground);
        stroke-width: 1;
        stroke-dasharray: 3 3;
      }
      .scale {
        display: flex;
        justify-content: space-between;
        gap: 12px;
        font-size: 0.92em;
      }
      .scale.above {
        margin-bottom: 3px;
      }
      .scale.below {
        margin-top: 3px;
      }
      .tip {
        min-height: 1.5em;
        margin-top: 6px;
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.observer.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.observer.disconnect();
  }

  override render(): TemplateResult {
    const { ledger, width } = this;
    const sum = totals(ledger);
    this.blocks = layoutBlocks(ledger, LEAST_WIDTH / width);
    this.active = Math.min(this.active, this.blocks.length - 1);
    // Without a model nothing is compressed, so one bar is enough.
    const single = ledger.note !== undefined;
    const height = single ? BAR : 2 * BAR + FUNNEL;
    const rowsAt = height - BAR;
    const freeStart = this.blocks.at(-1)?.rowEnd ?? 0;
    return html`
      ${single ? nothing : html`<div class="scale above"><strong>${l10n.t('{0} tokens represented', formatCount(sum.tokens))}</strong></div>`}
      <div
        class="strip"
        role="listbox"
        tabindex="0"
        aria-label=${l10n.t('Context, {0} blocks', this.blocks.length)}
        aria-activedescendant=${this.active >= 0 ? `block-${this.active}` : nothing}
        @keydown=${this.onKey}
        @pointerleave=${() => (this.active = -1)}
        @focus=${() => (this.active = Math.max(0, this.active))}
      >
        <svg height=${height} viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="none">
          ${single ? nothing : this.funnels()} ${this.blocks.map((block, index) => this.block(block, index, rowsAt))}
          ${freeStart < 1 ? svg`<rect class="free" x=${freeStart * width + GAP} y=${rowsAt + 0.5} width=${Math.max(0, (1 - freeStart) * width - GAP - 0.5)} height=${BAR - 1}></rect>` : nothing}
        </svg>
      </div>
      <div class="scale below">
        <strong
          >${single ? l10n.t('{0} characters quoted', formatCount(sum.rows)) : l10n.t('{0} of {1} cache rows used', formatCount(sum.rows), formatCount(ledger.capacityRows))}</strong
        >
        <span class="dim"
          >${single ? l10n.t('of {0} characters found', formatCount(ledger.capacityRows)) : l10n.t('{0} free', formatCount(sum.freeRows))}</span
        >
      </div>
      <div class="tip" aria-live="polite">${this.tip()}</div>
    `;
  }

  private block(block: Block, index: number, rowsAt: number): SVGTemplateResult {
    const { width } = this;
    const opens = block.groups.some(({ span }) => span !== undefined);
    const classes = `block kind-${block.kind} ${opens ? 'opens' : ''} ${index === this.active ? 'active' : ''}`;
    // Narrow blocks have no gap, because it would take half of their width.
    const bar = (start: number, end: number, y: number): SVGTemplateResult => {
      const full = (end - start) * width;
      return svg`<rect class=${classes} x=${start * width} y=${y} width=${Math.max(0.75, full > 10 ? full - GAP : full)} height=${BAR} rx=${full > 10 ? 1.5 : 0}></rect>`;
    };
    return svg`<g role="option" id="block-${index}" aria-selected=${index === this.active ? 'true' : 'false'} aria-label=${blockLabel(block, rowsAt === 0)}
      @pointerenter=${() => (this.active = index)} @click=${() => this.open(index)}>
      ${rowsAt > 0 ? bar(block.tokenStart, block.tokenEnd, 0) : nothing}${bar(block.rowStart, block.rowEnd, rowsAt)}
    </g>`;
  }

  /** One shape per kind, from its range in the token bar to its range in the row bar. */
  private funnels(): SVGTemplateResult[] {
    const { width } = this;
    const all = totals(this.ledger);
    const capacity = Math.max(this.ledger.capacityRows, all.rows, 1);
    let token = 0;
    let row = 0;
    return kindTotals(this.ledger).map(({ kind, tokens, rows }) => {
      const [a, b] = [(token / Math.max(1, all.tokens)) * width, ((token + tokens) / Math.max(1, all.tokens)) * width];
      const [c, d] = [(row / capacity) * width, ((row + rows) / capacity) * width];
      token += tokens;
      row += rows;
      const [top, bottom, middle] = [BAR, BAR + FUNNEL, BAR + FUNNEL / 2];
      return svg`<path class="funnel kind-${kind}" d="M${a} ${top}C${a} ${middle} ${c} ${middle} ${c} ${bottom}L${d} ${bottom}C${d} ${middle} ${b} ${middle} ${b} ${top}Z"></path>`;
    });
  }

  private tip(): TemplateResult | typeof nothing {
    const block = this.blocks[this.active];
    if (!block)
      return html`<span class="dim">${l10n.t('Point at a block or use the arrow keys. Enter opens its lines.')}</span>`;
    return html`<strong>${kindName(block.kind)}</strong> · ${blockWhere(block)}
      <span class="dim">${blockFigures(block, this.ledger.note !== undefined)}</span>`;
  }

  private open(index: number): void {
    const span = this.blocks[index]?.groups.find((group) => group.span)?.span;
    if (span) post({ type: 'open', span });
  }

  private onKey(event: KeyboardEvent): void {
    const last = this.blocks.length - 1;
    const target = {
      ArrowRight: Math.min(last, this.active + 1),
      ArrowLeft: Math.max(0, this.active - 1),
      Home: 0,
      End: last,
    }[event.key];
    if (target !== undefined) {
      event.preventDefault();
      this.active = target;
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.open(this.active);
    }
  }
}

function blockWhere({ kind, groups }: Block): string {
  const spans = groups.flatMap(({ span }) => (span ? [span] : []));
  const [first] = spans;
  if (!first) return kindMeaning(kind);
  const files = new Set(spans.map(({ file }) => file)).size;
  if (spans.length === 1) return `${first.path}:${formatLines(first)}`;
  return files === 1
    ? l10n.t('{0}, {1} spans', first.path, spans.length)
    : l10n.t('{0} and {1} more files', first.path, files - 1);
}

function blockFigures(block: Block, characters: boolean): string {
  if (characters) return l10n.t('{0} characters', formatCount(block.rows));
  const figures = l10n.t(
    '{0} tokens in {1} rows, {2}',
    formatCount(block.tokens),
    formatCount(block.rows),
    formatBytes(block.bytes),
  );
  return [figures, ...originsOf(block.groups).map(originName)].join(', ');
}

function blockLabel(block: Block, characters: boolean): string {
  return `${kindName(block.kind)}: ${blockWhere(block)}, ${blockFigures(block, characters)}`;
}
