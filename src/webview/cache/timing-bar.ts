import { formatDuration } from '../../base';
import { css, html, LitElement, svg, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { AnswerTiming } from '../../protocol';
import { shared } from '../shared/styles';
import * as l10n from '@vscode/l10n';
import { orange } from './kind-colours';

const PARTS = ['retrieve', 'splice', 'read', 'decode'] as const;

/** A bar that shows the phases of an answer's time. */
@customElement('anchorage-timing')
export class TimingBar extends LitElement {
  @property({ attribute: false }) timing!: AnswerTiming;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      svg {
        display: block;
        width: 100%;
        height: 8px;
        border-radius: 2px;
      }
      .retrieve {
        --part: var(--vscode-charts-blue);
      }
      .splice {
        --part: var(--vscode-charts-purple);
      }
      .read {
        --part: var(--vscode-charts-green);
      }
      .decode {
        --part: ${orange};
      }
      rect {
        fill: var(--part);
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 16px;
        list-style: none;
        padding: 0;
        margin-top: 6px;
      }
      li {
        display: flex;
        gap: 6px;
        align-items: center;
      }
      .swatch {
        width: 10px;
        height: 10px;
        border-radius: 2px;
        background: var(--part);
        border: 1px solid var(--vscode-contrastBorder, transparent);
      }
      .rest .swatch {
        background: none;
        border-color: var(--vscode-descriptionForeground);
      }
    `,
  ];

  override render(): TemplateResult {
    const { timing } = this;
    const total = Math.max(
      timing.total,
      PARTS.reduce((sum, part) => sum + timing[part], 0),
      1e-6,
    );
    const names = {
      retrieve: l10n.t('search'),
      splice: l10n.t('load cache'),
      read: l10n.t('read'),
      decode: l10n.t('write'),
    };
    let start = 0;
    const bars = PARTS.map((part) => {
      const x = start;
      start += (timing[part] / total) * 1000;
      return svg`<rect class=${part} x=${x} y="0" width=${(timing[part] / total) * 1000} height="8"></rect>`;
    });
    return html`
      <svg
        viewBox="0 0 1000 8"
        preserveAspectRatio="none"
        role="img"
        aria-label=${l10n.t('Time: {0} total, first words after {1}', formatDuration(timing.total), formatDuration(timing.firstToken))}
      >
        ${bars}
      </svg>
      <ul>
        ${PARTS.map((part) => html`<li class=${part}><span class="swatch"></span>${names[part]} <span class="dim">${formatDuration(timing[part])}</span></li>`)}
        <li>${l10n.t('first words after')} <strong>${formatDuration(timing.firstToken)}</strong></li>
        <li>${l10n.t('total')} <strong>${formatDuration(timing.total)}</strong></li>
      </ul>
    `;
  }
}
