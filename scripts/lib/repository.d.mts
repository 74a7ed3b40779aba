interface Manifest {
  repository: { url: string };
}

export function repositoryLinks(manifest: Manifest): { owner: string; homepage: string; bugs: { url: string } };
export function isPlaceholder(manifest: Manifest): boolean;
