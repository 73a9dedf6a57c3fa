// Filters, asked of both: what each tells of the same new blocks.

import { encodeFunctionData } from 'viem';
import { NOBODY } from './chain.mjs';

export async function filterRequests({ node, geth, mirror, signer, mine, compare, ledger, abi }) {
  const both = (method, params) => Promise.all([node, geth].map((one) => one.ask(method, params)));
  // At the same block in both: else one of them tells a block more.
  const installed = async (method, params) => {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const place = await mirror.sync();
      const ids = await both(method, params);
      if (await mirror.place() === place) return ids;
      await Promise.all([node, geth].map((one, i) => one.call('eth_uninstallFilter', [ids[i].result])));
    }
    throw new Error(`the chain did not stand still for ${method}`);
  };
  const install = async (method, params = []) => {
    const ids = await installed(method, params);
    compare(method, 'the form of the name', ...ids.map(({ result }) => /^0x[0-9a-f]+$/.test(result)));
    return ids.map(({ result }) => result);
  };
  const heads = await install('eth_newBlockFilter');
  const logs = await install('eth_newFilter', [{ address: ledger }]);
  const waiting = await install('eth_newPendingTransactionFilter');
  const each = (method, ids) => Promise.all([node.ask(method, [ids[0]]), geth.ask(method, [ids[1]])]);
  compare('eth_getFilterChanges', 'logs, none yet', ...(await each('eth_getFilterChanges', logs)));

  const data = encodeFunctionData({ abi, functionName: 'credit', args: [NOBODY, 77n] });
  const raw = await signer.sign(1, { to: ledger, data, value: 9n, gas: 200_000n });
  const { hashes, block } = await mine([raw]);
  await mirror.sync();
  const [here, there] = await each('eth_getFilterChanges', heads);
  // Geth may tell the block at which its filter was made, whose event it had not handed out yet; and the two are asked
  // one after the other, so a block may come between. From the one that was mined on, what both have is the same.
  const told = [here, there].map(({ result }) => (result.includes(block.hash) ? result.slice(result.indexOf(block.hash)) : result));
  const most = Math.min(...told.map((list) => list.length));
  compare('eth_getFilterChanges', 'blocks', ...told.map((list) => list.slice(0, most)));
  compare('eth_getFilterChanges', 'the block that was mined', ...told.map((list) => list.includes(block.hash)));
  compare('eth_getFilterChanges', 'logs', ...(await each('eth_getFilterChanges', logs)));
  compare('eth_getFilterChanges', 'logs, told already', ...(await each('eth_getFilterChanges', logs)));
  compare('eth_getFilterLogs', 'logs', ...(await each('eth_getFilterLogs', logs)));
  const pending = await each('eth_getFilterChanges', waiting);
  compare('eth_getFilterChanges', 'transactions', ...pending.map(({ result }) => result.includes(hashes[0])));
  compare('eth_getFilterLogs', 'of a block filter', ...(await each('eth_getFilterLogs', heads)));
  for (const ids of [heads, logs, waiting]) {
    compare('eth_uninstallFilter', 'one that is there', ...(await each('eth_uninstallFilter', ids)));
    compare('eth_getFilterChanges', 'one that is gone', ...(await each('eth_getFilterChanges', ids)));
  }
}
