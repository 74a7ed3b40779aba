import { css } from 'lit';

/** The theme's orange. High-contrast themes define none, and a shape without a colour is black on black. */
export const orange = css`var(--vscode-charts-orange, color-mix(in srgb, var(--vscode-charts-red) 35%, var(--vscode-charts-yellow)))`;

/** A chart colour of the theme for each kind. Strip, legend and table use the same. */
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
  .kind-earlier {
    --kind: color-mix(in srgb, var(--vscode-charts-yellow), var(--vscode-charts-foreground, var(--vscode-foreground)));
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
