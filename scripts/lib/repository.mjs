/** The owner in package.json until the repository has a real one. Replace it there before publishing. */
const PLACEHOLDER_OWNER = 'anchorage-owner';

/**
 * Derives the links of a manifest from `repository`, the only field that names the owner.
 * @param {{ repository: { url: string } }} manifest
 * @returns {{ owner: string, homepage: string, bugs: { url: string } }}
 * @throws Error if the repository is not a GitHub address
 */
export function repositoryLinks({ repository }) {
  const found = /^https:\/\/github\.com\/([\w-]+)\/([\w-]+)\.git$/.exec(repository.url);
  if (!found) throw new Error(`${repository.url} is not of the form https://github.com/OWNER/NAME.git.`);
  const page = `https://github.com/${found[1]}/${found[2]}`;
  return { owner: found[1], homepage: `${page}#readme`, bugs: { url: `${page}/issues` } };
}

/** @param {{ repository: { url: string } }} manifest */
export function isPlaceholder(manifest) {
  return repositoryLinks(manifest).owner === PLACEHOLDER_OWNER;
}
