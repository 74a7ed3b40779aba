import { css } from 'lit';

/** The theme's orange; high-contrast themes have none, and what has no colour is drawn black on black. */
export const orange = css`var(--vscode-charts-orange, color-mix(in srgb, var(--vscode-charts-red) 35%, var(--vscode-charts-yellow)))`;

/** A colour of the theme's chart palette for each kind; used by strip, legend and table alike. */
export const kindColours = css`
  .kind-sinks {
    --kind: var(--vscode-charts-foreground, var(--vscode-foreground));
  }
  .kind-coarse {
    --kind: var(--vscode-charts-blue);
  }
  .kind-fine {
    --kind: var(--vscode-charts-purple);
  }
  .kind-dense {
    --kind: color-mix(in srgb, var(--vscode-charts-blue), var(--vscode-charts-green));
  }
  .kind-anchors {
    --kind: var(--vscode-charts-lines, var(--vscode-descriptionForeground));
  }
  .kind-full {
    --kind: var(--vscode-charts-green);
  }
  .kind-window {
    --kind: var(--vscode-charts-yellow);
  }
  .kind-question {
    --kind: ${orange};
  }
  .kind-answer {
    --kind: var(--vscode-charts-red);
  }
  svg [class*='kind-'] {
    fill: var(--kind);
  }
  .swatch {
    display: inline-block;
    width: 10px;
    height: 10px;
    border-radius: 2px;
    background: var(--kind);
    border: 1px solid var(--vscode-contrastBorder, transparent);
    flex: none;
  }
`;
