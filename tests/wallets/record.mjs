// Usage: node record.mjs <node-url> <geth-url> <geth-engine-url> <jwt-file> [--all]
//
// Makes blocks on the node at <node-url>, which must be new, lets the Geth at <geth-url> follow them block by block,
// and asks both the same. Prints a table of the differences, and exits with 1 where one is not listed in docs/rpc.md,
// or one is listed that is no longer there. With --all it prints those that are listed as well.

import { fileURLToPath } from 'node:url';
import { keccak256 } from 'viem';
import { ADDRESSES } from './src/accounts.mjs';
import { compileLedger } from './src/compile.mjs';
import { Mirror } from './src/mirror.mjs';
import { Signer, minedTransactions, sentTransactions } from './src/record/chain.mjs';
import { Known, compared } from './src/record/compare.mjs';
import { filterRequests } from './src/record/filters.mjs';
import { requests } from './src/record/requests.mjs';
import { eventually } from './src/report.mjs';
import { Rpc } from './src/rpc.mjs';

const [nodeUrl, gethUrl, engineUrl, secretFile, all] = process.argv.slice(2);
if (!secretFile) {
  console.error('usage: node record.mjs <node-url> <geth-url> <geth-engine-url> <jwt-file> [--all]');
  process.exit(2);
}
const [node, geth] = [new Rpc(nodeUrl), new Rpc(gethUrl)];
const mirror = new Mirror(node, geth, engineUrl, secretFile);
const known = new Known(fileURLToPath(new URL('../../docs/rpc.md', import.meta.url)));
const found = [];
let asked = 0;

/** Compares two answers and keeps how they differ. */
function compare(method, title, nodeSays, gethSays) {
  asked += 1;
  for (const difference of compared(nodeSays, gethSays)) {
    found.push({ method, title, ...difference, listed: known.knows(method, title, difference.path) });
  }
}

/** Asks both while they stand at the same place. */
async function ask(method, title, params) {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const place = await mirror.sync();
    const [nodeSays, gethSays] = await Promise.all([node.ask(method, params), geth.ask(method, params)]);
    if (await mirror.place() === place) return compare(method, title, nodeSays, gethSays);
  }
  throw new Error(`the chain did not stand still for ${method}`);
}

/** Sends to both, and compares what they say. */
async function send(title, raw) {
  const [nodeSays, gethSays] = await Promise.all([node, geth].map((one) => one.ask('eth_sendRawTransaction', [raw])));
  compare('eth_sendRawTransaction', title, nodeSays, gethSays);
}

/** Mines a group on the node: all in one block, or one after another. */
async function mine(group) {
  await mirror.sync();
  const hashes = group.map((raw) => keccak256(raw));
  for (const raw of group) await send('one that is mined', raw);
  const last = await eventually(() => node.call('eth_getTransactionReceipt', [hashes.at(-1)]));
  await mirror.sync();
  return { hashes, block: await node.call('eth_getBlockByNumber', [last.blockNumber, false]) };
}

await eventually(() => node.ask('eth_chainId').then(({ result }) => result, () => false));
const chainId = Number(await node.call('eth_chainId'));
const genesis = await Promise.all([node, geth].map((one) => one.call('eth_getBlockByNumber', ['0x0', false])));
if (genesis[0].hash !== genesis[1].hash) throw new Error('the two have different genesis blocks');

const code = compileLedger();
const signer = new Signer(chainId);
const { ledger, delegated, groups } = await minedTransactions(signer, code);
const [blocks, hashes] = [[], []];
for (const group of groups) {
  const mined = await mine(group);
  blocks.push(mined.block);
  hashes.push(...mined.hashes);
}
const balance = BigInt(await node.call('eth_getBalance', [ADDRESSES[4], 'latest']));
const sent = await sentTransactions(signer, balance);
for (const [title, raw] of sent) await send(title, raw);
const chain = {
  ledger, delegated, blocks, hashes, abi: code.abi, genesis: genesis[0].hash,
  waiting: keccak256(sent[0][1]), chainId: `0x${chainId.toString(16)}`,
};
for (const [method, title, params] of requests(chain)) await ask(method, title, params);
await filterRequests({ node, geth, mirror, signer, mine, compare, ledger, abi: code.abi });

const clip = (text, length) => (text.length > length ? `${text.slice(0, length - 3)}...` : text);
const news = found.filter(({ listed }) => !listed);
for (const { method, title, path, node: here, geth: there, listed } of all ? found : news) {
  console.log(`${listed ? 'listed' : 'NEW   '} ${method} | ${title} | ${path} | node ${clip(here, 70)} | geth ${clip(there, 70)}`);
}
const stale = known.stale();
for (const line of stale) console.log(`STALE  ${line}`);
console.log(`${asked} answers compared: ${found.length - news.length} differences listed, ${news.length} not, ${stale.length} listed and gone`);
process.exit(news.length + stale.length === 0 ? 0 : 1);
