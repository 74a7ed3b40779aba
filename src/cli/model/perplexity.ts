/** `anchorage model perplexity` */
import { measurePerplexity } from '../../engine';
import { tokenRows } from './inputs';
import { anchored, openModel, policyOf } from './opened';
import { ENGINE_OPTIONS, number, parseOptions, text, type ModelIo } from './options';

export const PERPLEXITY_USAGE =
  'perplexity DIR|NAME (--text FILE | --ids FILE) [--attention auto|full|lambda|anchors] [--window N] ' +
  '[--sinks N] [--look-back BLOCKS] [--middle-k N] [--anchor-every N] [--rope NAME] [--limit N] [--adapter ' +
  'DIR]… [--weights FORMAT] [--threads N] [--json]';

/** Mean negative log-likelihood by position, and the most rows held. */
export async function runPerplexity(argv: readonly string[], io: ModelIo): Promise<number> {
  const options = {
    ...ENGINE_OPTIONS,
    text: { type: 'string' as const },
    ids: { type: 'string' as const },
    limit: { type: 'string' as const },
  };
  const { values, operands } = parseOptions(argv, options, 1, PERPLEXITY_USAGE);
  const opened = await openModel(operands[0] as string, values, io);
  try {
    const limit = number(values, 'limit', 2, 1 << 28) ?? Infinity;
    const rows = (await tokenRows(values, opened)).map((row) =>
      anchored(row.length > limit ? row.slice(0, limit) : row, values, opened, 'full'),
    );
    let told = performance.now();
    // Looking back serves questions; it makes running text less likely (bench window perplexity).
    const report = await measurePerplexity(opened.decoder, rows, {
      policy: policyOf(values, opened, Math.max(...rows.map((row) => row.length)), 'full', 'none'),
      ...(io.signal ? { signal: io.signal } : {}),
      onProgress: (read, total) => {
        if (performance.now() - told < 2000) return;
        told = performance.now();
        io.note(`${read} of ${total} tokens`);
      },
    });
    if (values['json']) {
      await io.out(
        JSON.stringify({ buckets: report.buckets.map(({ from, to, nll }) => ({ from, to, nll })), rows: report.rows }),
      );
    } else {
      for (const { from, to, nll, tokens } of report.buckets)
        await io.out(
          `${`${from}–${to}`.padEnd(16)} nll ${nll.toFixed(4)}   perplexity ${Math.exp(nll).toFixed(2)}   ` +
            `${tokens} tokens`,
        );
      // Plain text does not contain the model's anchor tokens; they are added when text is prepared for it.
      if (text(values, 'attention') === 'anchors' && report.rows + 1 >= Math.max(...rows.map((row) => row.length)))
        io.note(
          'The text has no anchor token, so every row was kept. --anchor-every N makes every N-th token an anchor.',
        );
      await io.out(
        `${'all'.padEnd(16)} nll ${report.nll.toFixed(4)}   perplexity ${Math.exp(report.nll).toFixed(2)}   ` +
          `${report.tokens} tokens\nat most ${report.rows} rows held`,
      );
    }
    return 0;
  } finally {
    await opened.close();
  }
}
