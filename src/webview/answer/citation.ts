import type { Citation } from '../../protocol';
import { post } from '../shared/host';

export function openCitation(citation: Citation): void {
  const { file, path, startLine, endLine } = citation;
  post({ type: 'open', span: { file, path, startLine, endLine }, citation });
}
