/** Files that were verified, and those of them that are damaged. */
export interface Checked {
  files: number;
  damaged: readonly { file: string; reason: string }[];
}
