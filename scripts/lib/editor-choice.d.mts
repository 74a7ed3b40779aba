export interface Probes {
  /** Path of a downloaded VS Code. */
  download: () => Promise<string>;
  hasCommand: (name: string) => boolean;
  /** Why an editor does not start on this machine; undefined if it does. */
  startFault: (executable: string) => string | undefined;
}

export type EditorChoice =
  | { kind: 'server'; why: string }
  /** `prefix`: a wrapper command with its arguments (xvfb-run), or empty. */
  | { kind: 'electron'; executable: string; prefix: string[]; why: string };

export function chooseEditor(given: {
  wish?: string;
  platform: string;
  env: Record<string, string | undefined>;
  probes: Probes;
}): Promise<EditorChoice>;
export function machineProbes(cachePath: string): Probes;
