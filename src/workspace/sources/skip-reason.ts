/** Why a file or folder is not indexed. The status counts files by these texts. */
export type SkipReason =
  | 'gitignore'
  | 'info/exclude'
  | 'core.excludesFile'
  | 'anchorageignore'
  | 'files.exclude'
  /** Dependencies and build products of a folder without git. */
  | 'dependency folder'
  | 'secret'
  | 'git folder'
  | 'submodule'
  | 'nested work tree'
  | 'nested repository'
  | 'other workspace folder'
  | 'link to an indexed place'
  | 'link out of the workspace'
  | 'broken link'
  | 'name is not UTF-8'
  | 'not a regular file'
  | 'binary'
  | 'too large'
  | 'unreadable';
