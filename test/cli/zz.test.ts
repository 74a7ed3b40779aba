import { readFileSync, writeFileSync } from 'node:fs';
import { it } from 'vitest';
import { modelCommand } from '../../src/cli/model';
it('x', async () => {
  const io = { out: (t: string) => console.log(t), stream: () => undefined, note: () => undefined, fetch, modelsDirectory: '/tmp/none' };
  for (const [name, window] of [['babyllama-char', 192], ['stories260K', 384]] as const) {
    const rows = JSON.parse(readFileSync(`/work/shared/data/text/tinystories-rows-${name}.json`, 'utf8')) as number[][];
    writeFileSync('/tmp/flat.json', JSON.stringify(rows.flat()));
    const t = performance.now();
    await modelCommand(['perplexity', `/work/shared/data/checkpoints/${name}`, '--ids', '/tmp/flat.json', '--attention', 'lambda', '--window', String(window), '--sinks', '8', '--json'], io);
    console.log(name, 'seconds', ((performance.now() - t) / 1000).toFixed(1));
  }
}, 600000);
