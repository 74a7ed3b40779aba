/**
 * A reporter for vitest: writes the counts, every failure in a line and every test that passed only when it was
 * repeated to the file that ANCHORAGE_UNIT_REPORT names.
 */
import { writeFileSync } from 'node:fs';

export default class TestReport {
  onTestRunEnd(modules, unhandled) {
    const tests = modules.flatMap((module) => [...module.children.allTests()].map((test) => ({ module, test })));
    const count = (state) => tests.filter(({ test }) => test.result().state === state).length;
    const name = ({ module, test }) => `${module.relativeModuleId}: ${test.fullName}`;
    const failures = [
      ...tests
        .filter(({ test }) => test.result().state === 'failed')
        .map((each) => `${name(each)}: ${firstLine(each.test.result().errors)}`),
      ...modules
        .filter((module) => module.errors().length > 0)
        .map((module) => `${module.relativeModuleId}: ${firstLine(module.errors())}`),
      ...unhandled.map((error) => `outside of any test: ${firstLine([error])}`),
    ];
    const repeated = tests.filter(({ test }) => test.diagnostic()?.flaky).map(name);
    writeFileSync(
      process.env.ANCHORAGE_UNIT_REPORT,
      JSON.stringify({
        passed: count('passed'),
        failed: Math.max(count('failed'), failures.length),
        skipped: count('skipped'),
        failures,
        repeated,
      }),
    );
  }
}

const firstLine = (errors) => String(errors?.[0]?.message ?? 'no message').split('\n')[0];
