// Runs scenarios one after another, a line for each.

/** No scenario takes longer: a chain that stands still fails the run, it does not hang it. */
const DEADLINE_MS = 90_000;

export class Report {
  passed = 0;
  failed = 0;

  /** Runs `body`; its failure is told and counted, and the next scenario runs. */
  async scenario(wallet, title, body) {
    const label = `${wallet.padEnd(6)} ${title}`;
    const began = performance.now();
    try {
      await within(DEADLINE_MS, body());
      this.passed += 1;
      console.log(`ok     ${label} (${seconds(began)})`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAILED ${label} (${seconds(began)})`);
      console.log(indent(error?.stack ?? String(error)));
    }
  }

  /** Prints the sums; whether all went well. */
  finish() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 && this.passed > 0;
  }
}

function seconds(began) {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`;
}

function indent(text) {
  return text.split('\n').slice(0, 25).map((line) => `       ${line}`).join('\n');
}

async function within(ms, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until `check` returns something true, and returns it. The scenario's deadline bounds it. */
export async function eventually(check) {
  for (;;) {
    const value = await check();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
