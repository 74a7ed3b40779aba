import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Segmenter } from '../../../src/workspace/segments/segmenter';
import { IndexedWorkspace, searchOver } from '../memory/indexed';
import { interval } from '../memory/statistics';
import { readCorpus } from './corpus';
import { filesOf, goldRank, row, Tally } from './metrics';
import { PlainBm25 } from './plain';
import { type Question, withoutMasks } from './questions';

const SPANS = 20;

/**
 * Ranks questions of several kinds with the product's search by words, beside BM25 over files, and prints hit@k and
 * reciprocal rank by kind and by repository.
 */
export async function benchKinds(repos: string, questions: readonly Question[], segmenter: Segmenter): Promise<void> {
  const groups = new Map<string, { ours: Tally; plain: Tally; gains: number[] }>();
  for (const name of new Set(questions.map(({ repository }) => repository))) {
    if (!existsSync(join(repos, name))) {
      console.log(`${name}: skipped, because it is not in ${repos}`);
      continue;
    }
    const own = questions.filter(({ repository }) => repository === name);
    const documents = withoutMasks(await readCorpus(join(repos, name)), own);
    const workspace = await IndexedWorkspace.open(documents, segmenter);
    const search = searchOver(workspace);
    const plain = new PlainBm25(documents);
    for (const question of own) {
      const { spans } = await search.search(question.text, { scope: { kind: 'workspace' }, limit: SPANS });
      const rank = goldRank(filesOf(spans), question);
      const peer = goldRank(plain.search(question.text), question);
      for (const group of [question.kind ?? 'other', `  ${name}`, 'all']) {
        const tally = groups.get(group) ?? { ours: new Tally(), plain: new Tally(), gains: [] };
        groups.set(group, tally);
        tally.ours.add(rank);
        tally.plain.add(peer);
        tally.gains.push(reciprocal(rank) - reciprocal(peer));
      }
    }
  }
  console.log(`File hit@k of the first ${SPANS} spans by words, any gold file counts`);
  const order = (name: string): number => (name === 'all' ? 2 : name.startsWith(' ') ? 1 : 0);
  for (const [name, { ours, plain, gains }] of [...groups].sort(([a], [b]) => order(a) - order(b))) {
    const [low, high] = interval(gains);
    console.log(`${row(`${name} · ours`, ours.scores())}   MRR minus BM25 [${low.toFixed(3)}, ${high.toFixed(3)}]`);
    console.log(row(`${name} · plain BM25`, plain.scores()));
  }
}

const reciprocal = (rank: number): number => (rank === 0 ? 0 : 1 / rank);
