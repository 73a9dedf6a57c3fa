// Usage: node run.mjs <rpc-url> [viem|ethers|web3py]
//
// Runs every scenario by all libraries against the node at <rpc-url>, which must have the ten development accounts
// funded. web3.py takes part where ALYS_PYTHON names a Python that can import web3. Prints a line for each; exits with
// 1 if any failed.

import { compileLedger } from './src/compile.mjs';
import { ethersWallet } from './src/ethers.mjs';
import { Report, eventually } from './src/report.mjs';
import { Rpc } from './src/rpc.mjs';
import { scenarios } from './src/scenarios.mjs';
import { viemWallet } from './src/viem.mjs';
import { web3pyWallet } from './src/web3py.mjs';

const python = process.env.ALYS_PYTHON;
const WALLETS = { viem: viemWallet, ethers: ethersWallet, ...(python && { web3py: web3pyWallet(python) }) };

const [url, only] = process.argv.slice(2);
if (!/^https?:\/\//.test(url ?? '') || (only && !WALLETS[only])) {
  console.error('usage: node run.mjs <rpc-url> [viem|ethers|web3py], for example: node run.mjs http://127.0.0.1:8545');
  console.error('web3py needs ALYS_PYTHON: a Python that can import web3');
  process.exit(2);
}

/** A node that was just started gets half a minute to answer. */
async function untilItAnswers() {
  const deadline = Date.now() + 30_000;
  await eventually(async () => {
    try {
      return await new Rpc(url).call('eth_chainId');
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`no node answers at ${url}: ${error.message}`);
      return false;
    }
  });
}

await untilItAnswers();
if (!python) console.log('skipped web3py: ALYS_PYTHON names no Python that can import web3');
const ledger = compileLedger();
const report = new Report();
for (const [name, connect] of Object.entries(WALLETS)) {
  if (only && only !== name) continue;
  const wallet = await connect(url);
  for (const [title, body] of scenarios(wallet, ledger)) {
    await report.scenario(name, title, body);
  }
  wallet.close();
}
process.exit(report.finish() ? 0 : 1);
