/** Colours of the editor’s themes, and their contrast. */

/** Colours of the editor's dark theme that the panels use. */
export const THEME = {
  foreground: '#bfbfbf',
  descriptionForeground: '#8c8c8c',
  focusBorder: '#3994bc',
  'font-family': 'system-ui, sans-serif',
  'font-size': '13px',
  'editor-font-family': 'monospace',
  'panel-background': '#191a1b',
  'sideBar-background': '#191a1b',
  'editor-background': '#121314',
  'textLink-foreground': '#48a0c7',
  'textLink-activeForeground': '#53a5ca',
  'widget-border': '#2a2b2c',
  'charts-foreground': '#bfbfbf',
  'charts-blue': '#57a3f8',
  'charts-purple': '#ad80d7',
  'charts-green': '#86cf86',
  'charts-yellow': '#e0b97f',
  'charts-orange': '#cd861a',
  'charts-red': '#ef8773',
  'badge-background': '#307e9f',
  'badge-foreground': '#ffffff',
  'button-background': '#297aa0',
  'button-foreground': '#ffffff',
  'input-background': '#191a1b',
  'input-foreground': '#bfbfbf',
  'input-placeholderForeground': '#777777',
};

/** Parses a colour from a theme or from `getComputedStyle`, which gives mixed colours in shares of one. */
export function rgbOf(colour: string): number[] {
  const hex = /^#(..)(..)(..)/.exec(colour);
  if (hex) return hex.slice(1).map((digits) => parseInt(digits, 16));
  const values = (/[\d.]+(?:[ ,]+[\d.]+){2}/.exec(colour)?.[0] ?? '').split(/[ ,]+/).map(Number);
  return colour.startsWith('color(') ? values.map((value) => Math.round(255 * value)) : values;
}

/** Contrast ratio, 1 … 21 (WCAG 2.2, 1.4.3). */
export function contrast(one: readonly number[], other: readonly number[]): number {
  const luminance = (rgb: readonly number[]): number => {
    const [r = 0, g = 0, b = 0] = rgb.map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Colours of the editor's high-contrast themes. They define no orange. */
export const HIGH_CONTRAST = {
  dark: {
    ...THEME,
    foreground: '#ffffff',
    descriptionForeground: '#ffffff',
    focusBorder: '#f38518',
    contrastBorder: '#6fc3df',
    contrastActiveBorder: '#f38518',
    'panel-background': '#000000',
    'sideBar-background': '#000000',
    'editor-background': '#000000',
    'textLink-foreground': '#21a6ff',
    'charts-foreground': '#ffffff',
    'charts-blue': '#59a4f9',
    'charts-purple': '#b180d7',
    'charts-green': '#89d185',
    'charts-yellow': '#ffd370',
    'charts-orange': '',
    'charts-red': '#f48771',
  },
  light: {
    ...THEME,
    foreground: '#292929',
    descriptionForeground: '#292929',
    focusBorder: '#006bbd',
    contrastBorder: '#0f4a85',
    contrastActiveBorder: '#006bbd',
    'panel-background': '#ffffff',
    'sideBar-background': '#ffffff',
    'editor-background': '#ffffff',
    'textLink-foreground': '#0f4a85',
    'charts-foreground': '#292929',
    'charts-blue': '#0063d3',
    'charts-purple': '#652d90',
    'charts-green': '#374e06',
    'charts-yellow': '#895503',
    'charts-orange': '',
    'charts-red': '#b5200d',
  },
};
