/** Files that were verified, and those of them that are harmed. */
export interface Checked {
  files: number;
  harmed: readonly { file: string; reason: string }[];
}
