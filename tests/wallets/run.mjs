// Usage: node run.mjs <rpc-url> [viem|ethers]
//
// Runs every scenario by both libraries against the node at <rpc-url>, which must have the ten development accounts
// funded. Prints a line for each; exits with 1 if any failed.

import { compileLedger } from './src/compile.mjs';
import { ethersWallet } from './src/ethers.mjs';
import { Report, eventually } from './src/report.mjs';
import { scenarios } from './src/scenarios.mjs';
import { viemWallet } from './src/viem.mjs';

const WALLETS = { viem: viemWallet, ethers: ethersWallet };

const [url, only] = process.argv.slice(2);
if (!/^https?:\/\//.test(url ?? '') || (only && !WALLETS[only])) {
  console.error('usage: node run.mjs <rpc-url> [viem|ethers], for example: node run.mjs http://127.0.0.1:8545');
  process.exit(2);
}

/** A node that was just started gets half a minute to answer. */
async function untilItAnswers() {
  const deadline = Date.now() + 30_000;
  await eventually(async () => {
    try {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] });
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      return (await answer.json()).result;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`no node answers at ${url}: ${error.message}`);
      return false;
    }
  });
}

await untilItAnswers();
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
