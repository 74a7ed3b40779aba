import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

interface Result {
  title: string;
  state: 'passed' | 'failed';
  error?: string;
  milliseconds: number;
}

/**
 * Runs mocha over compiled files and writes one line for each test to ANCHORAGE_TEST_REPORT; hooks that fail count as
 * failures.
 */
export function runMocha(files: readonly string[], timeout: number): Promise<number> {
  const mocha = new Mocha({
    ui: 'bdd',
    timeout,
    ...(process.env['ANCHORAGE_TEST_GREP'] ? { grep: process.env['ANCHORAGE_TEST_GREP'] } : {}),
  });
  // The report is ours: mocha's own would write into the editor's log.
  mocha.reporter(class Silent extends Mocha.reporters.Base {});
  for (const file of files) mocha.addFile(file);
  const results: Result[] = [];
  return new Promise((resolve) => {
    const runner = mocha.run((failures) => resolve(failures));
    // Written after each test: a suite that is killed half way still tells how far it came.
    const record = (result: Result): void => {
      results.push(result);
      const report = process.env['ANCHORAGE_TEST_REPORT'];
      if (report) writeFileSync(report, JSON.stringify(results));
    };
    runner.on('pass', (test) => record({ title: test.fullTitle(), state: 'passed', milliseconds: test.duration ?? 0 }));
    runner.on('fail', (test, error: Error) =>
      record({
        title: test.fullTitle(),
        state: 'failed',
        error: error.stack ?? String(error),
        milliseconds: 'duration' in test ? (test.duration ?? 0) : 0,
      }),
    );
  });
}
