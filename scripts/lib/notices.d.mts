import type { Metafile } from 'esbuild';

export interface Notice {
  name: string;
  version: string;
  licence: string;
  url: string | undefined;
  texts: string[];
  /** The shipped files of the package, if they are not its code. */
  contents?: string;
}

export function bundledPackages(metafiles: Pick<Metafile, 'outputs'>[], base: string): string[];
export function packageNotice(directory: string, supplied: string): Notice;
export function modelNotice(directory: string, projectLicence: string): Notice;
export function formatNotices(notices: Notice[]): string;
