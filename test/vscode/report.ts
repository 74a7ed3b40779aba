import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

interface Result {
  title: string;
  state: 'passed' | 'failed';
  error?: string;
  milliseconds: number;
  /** Failed first, and passed when it was repeated. */
  repeated?: boolean;
}

/**
 * Runs mocha over compiled files and writes one line per test to ANCHORAGE_TEST_REPORT. Failed hooks count as failures.
 * A failed test is repeated once, because an editor on a busy machine may draw later than any wait allows for.
 */
export function runMocha(files: readonly string[], timeout: number): Promise<number> {
  const mocha = new Mocha({
    ui: 'bdd',
    timeout,
    retries: 1,
    ...(process.env['ANCHORAGE_TEST_GREP'] ? { grep: process.env['ANCHORAGE_TEST_GREP'] } : {}),
  });
  // Mocha's own reporters would write to the editor's log.
  mocha.reporter(class Silent extends Mocha.reporters.Base {});
  for (const file of files) mocha.addFile(file);
  const results: Result[] = [];
  return new Promise((resolve) => {
    const runner = mocha.run((failures) => resolve(failures));
    // The report is written after each test, so a killed suite still shows its finished tests.
    const record = (result: Result): void => {
      results.push(result);
      const report = process.env['ANCHORAGE_TEST_REPORT'];
      if (report) writeFileSync(report, JSON.stringify(results));
    };
    const repeated = new Set<string>();
    runner.on('retry', (test) => repeated.add(test.fullTitle()));
    runner.on('pass', (test) => {
      const title = test.fullTitle();
      record({
        title,
        state: 'passed',
        milliseconds: test.duration ?? 0,
        ...(repeated.has(title) ? { repeated: true } : {}),
      });
    });
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
