// What wallets and dapps do, told once for all libraries.

import assert from 'node:assert/strict';
import { ADDRESSES } from './accounts.mjs';
import { eventually } from './report.mjs';

const GWEI = 10n ** 9n;
const ETHER = 10n ** 18n;
const NOBODY = '0x000000000000000000000000000000000000dEaD';
const ZERO = '0x0000000000000000000000000000000000000000';
const UNKNOWN_HASH = `0x${'12'.repeat(32)}`;

/** The accounts by what they do here. All libraries use the same: they run one after the other. */
const PAYER = 0;
const OWNER = 1;
const CUSTOMER = 2;
const SENDER = 3;
const AUTHORITY = 4;
const BIDDER = 5;

const same = (left, right) => left.toLowerCase() === right.toLowerCase();
const until = (blocks, w) => eventually(async () => (await w.blockNumber()) >= blocks);

/** Runs `work`, which must fail; what the library's own classes make of the error. */
async function failure(w, work) {
  let result;
  try {
    result = await work();
  } catch (error) {
    const found = w.classify(error);
    if (found.kind === 'unknown') throw error;
    return found;
  }
  throw new Error(`should have failed, and ended in ${String(result)}`);
}

/** The scenarios of one library, as title and body, in their order. */
export function scenarios(w, ledgerCode) {
  /** Made by the deployment, used after it. */
  const ledger = { abi: ledgerCode.abi };
  let deployed;

  const fees = async () => {
    const { baseFeePerGas } = await w.block('latest');
    return { maxFeePerGas: 3n * baseFeePerGas + 10n * GWEI, maxPriorityFeePerGas: 2n * GWEI };
  };
  const customer = () => w.address(CUSTOMER);

  /** Sends one ether, and checks both balances to the wei. */
  async function transfer(type, fields) {
    const before = { from: await w.balance(w.address(PAYER)), to: await w.balance(NOBODY) };
    const hash = await w.send(PAYER, { type, to: NOBODY, value: ETHER, ...fields });
    const receipt = await w.receipt(hash);
    assert.equal(receipt.status, 1);
    assert.equal(receipt.type, type);
    assert.ok(same(receipt.from, w.address(PAYER)) && same(receipt.to, NOBODY));
    const at = receipt.blockNumber;
    const cost = ETHER + receipt.gasUsed * receipt.effectiveGasPrice;
    assert.equal(await w.balance(w.address(PAYER), at), before.from - cost);
    assert.equal(await w.balance(NOBODY, at), before.to + ETHER);
    const found = await w.transaction(hash);
    assert.equal(found.blockNumber, at);
    assert.equal(found.value, ETHER);
    return receipt;
  }

  return [
    ['the chain id is the same by every way of asking', async () => {
      const id = await w.chainId();
      assert.equal(Number(await w.raw('eth_chainId', [])), id);
      assert.equal(await w.raw('net_version', []), String(id));
    }],

    ['the ten development accounts are there and have money', async () => {
      for (const [index, address] of ADDRESSES.entries()) {
        assert.equal(w.address(index), address);
        assert.ok((await w.balance(address)) > ETHER, `${address} has less than one coin`);
      }
    }],

    ['blocks come, each later than the one before', async () => {
      const first = await w.block('latest');
      await until(first.number + 2, w);
      const [second, third] = [await w.block(first.number + 1), await w.block(first.number + 2)];
      assert.ok(first.timestamp < second.timestamp && second.timestamp < third.timestamp);
    }],

    ['every tag names a block, in order', async () => {
      await until(1, w);
      const number = {};
      for (const tag of ['earliest', 'finalized', 'safe', 'latest', 'pending']) {
        number[tag] = Number((await w.raw('eth_getBlockByNumber', [tag, false])).number);
      }
      assert.equal(number.earliest, 0);
      assert.ok(number.earliest <= number.finalized, JSON.stringify(number));
      assert.ok(number.finalized <= number.safe && number.safe <= number.latest, JSON.stringify(number));
      assert.ok(number.latest <= number.pending, JSON.stringify(number));
    }],

    ['a block is the same by number and by hash', async () => {
      const latest = await w.block('latest');
      assert.equal((await w.block(latest.hash)).number, latest.number);
      assert.equal((await w.block(latest.number)).hash, latest.hash);
      assert.equal(await w.raw('eth_getBlockByHash', [UNKNOWN_HASH, false]), null);
      assert.equal(await w.raw('eth_getBlockByNumber', ['0xffffffff', false]), null);
    }],

    ['a legacy transfer arrives', async () => {
      await transfer(0, { gasPrice: await w.gasPrice() });
    }],

    ['an EIP-2930 transfer with an access list arrives', async () => {
      const accessList = [{ address: NOBODY, storageKeys: [`0x${'00'.repeat(32)}`] }];
      const receipt = await transfer(1, { gasPrice: await w.gasPrice(), accessList });
      assert.ok(receipt.gasUsed > 21_000n, 'the access list costs gas');
    }],

    ['an EIP-1559 transfer with fees of the library arrives', async () => {
      await transfer(2, {});
    }],

    ['an EIP-1559 transfer pays the base fee and its tip, no more', async () => {
      const own = await fees();
      const receipt = await transfer(2, own);
      const { baseFeePerGas } = await w.block(receipt.blockNumber);
      assert.equal(receipt.effectiveGasPrice, baseFeePerGas + own.maxPriorityFeePerGas);
    }],

    ['a contract is deployed where its address was computed', async () => {
      const made = await w.deploy(OWNER, ledgerCode, ['Savings']);
      assert.ok(same(made.address, made.expected), `${made.address} is not ${made.expected}`);
      ledger.address = made.address;
      deployed = (await w.receipt(made.hash)).blockNumber;
      assert.ok((await w.code(made.address)).length > 100);
      assert.equal(await w.code(NOBODY), '0x');
      assert.equal(await w.read(ledger, 'name'), 'Savings');
      assert.ok(same(await w.read(ledger, 'owner'), w.address(OWNER)));
    }],

    ['a call changes the state, which is read by call and by slot, now and as it was', async () => {
      const hash = await w.write(PAYER, ledger, 'credit', [customer(), 7n], 5n * ETHER);
      const { blockNumber, status } = await w.receipt(hash);
      assert.equal(status, 1);
      assert.equal(await w.read(ledger, 'balanceOf', [customer()]), 5n * ETHER);
      assert.equal(BigInt(await w.storage(ledger.address, '0x0')), 5n * ETHER);
      assert.equal(await w.balance(ledger.address), 5n * ETHER);
      assert.equal(await w.read(ledger, 'total', [], blockNumber), 5n * ETHER);
      assert.equal(await w.read(ledger, 'total', [], blockNumber - 1), 0n);
    }],

    ['events are found by address, topic, range and block', async () => {
      const hashes = [
        await w.write(PAYER, ledger, 'credit', [customer(), 8n], ETHER),
        await w.write(PAYER, ledger, 'credit', [NOBODY, 9n], ETHER),
      ];
      const receipts = await Promise.all(hashes.map(w.receipt));
      const range = { fromBlock: BigInt(deployed), toBlock: 'latest' };
      const notes = async (args, where = range) =>
        (await w.events(ledger, 'Credited', args, where)).map((event) => Number(event.note));
      assert.deepEqual(await notes({}), [7, 8, 9]);
      assert.deepEqual(await notes({ account: customer() }), [7, 8]);
      assert.deepEqual(await notes({ note: [7n, 9n] }), [7, 9]);
      assert.deepEqual(await notes({ account: NOBODY, note: 7n }), []);
      const last = receipts[1];
      assert.ok((await notes({}, { blockHash: last.blockHash })).includes(9));
      assert.deepEqual(await notes({}, { fromBlock: 0n, toBlock: BigInt(deployed) }), []);
      const [event] = await w.events(ledger, 'Credited', { note: 9n }, range);
      assert.equal(event.amount, ETHER);
      assert.equal(event.transactionHash, hashes[1]);
    }],

    ['a receipt holds the logs, and a bloom that knows them', async () => {
      const hash = await w.write(PAYER, ledger, 'credit', [customer(), 10n], 1n);
      const receipt = await w.receipt(hash);
      assert.equal(receipt.logs.length, 1);
      assert.ok(same(receipt.logs[0].address, ledger.address));
      assert.ok(BigInt(receipt.logsBloom) !== 0n);
      const all = await w.raw('eth_getBlockReceipts', [`0x${receipt.blockNumber.toString(16)}`]);
      assert.ok(all.some((one) => one.transactionHash === hash));
    }],

    ...[['a call', w.simulate], ['an estimate', w.estimateCall]].flatMap(([what, attempt]) => [
      [`${what} that reverts by a custom error tells it with its arguments`, async () => {
        const found = await failure(w, () => attempt(CUSTOMER, ledger, 'debit', [100n * ETHER]));
        assert.equal(found.kind, 'revert');
        if (found.name === undefined) {
          // Without an ABI at hand: the selector of Insufficient(address,uint256,uint256).
          assert.match(found.data, /^0x[0-9a-f]{8}/);
          assert.equal(found.data.length, 2 + 2 * (4 + 3 * 32));
          return;
        }
        assert.equal(found.name, 'Insufficient');
        assert.ok(same(found.args[0], customer()));
        assert.equal(found.args[2], 100n * ETHER);
      }],
      [`${what} that reverts by require tells the reason`, async () => {
        const found = await failure(w, () => attempt(CUSTOMER, ledger, 'rename', ['Mine']));
        assert.deepEqual([found.kind, found.reason], ['revert', 'only the owner may rename']);
      }],
      [`${what} that panics tells the code`, async () => {
        const found = await failure(w, () => attempt(CUSTOMER, ledger, 'share', [0n]));
        assert.deepEqual([found.kind, found.panic], ['revert', 0x12]);
      }],
      [`${what} that reverts without a word is a revert still`, async () => {
        const found = await failure(w, () => attempt(CUSTOMER, ledger, 'never', []));
        assert.equal(found.kind, 'revert');
      }],
    ]),

    ['a reverted transaction is mined with status 0 and takes its gas alone', async () => {
      const data = await w.encode(ledger.abi, 'debit', [100n * ETHER]);
      const before = await w.balance(customer());
      const hash = await w.send(CUSTOMER, { to: ledger.address, data, gasLimit: 100_000n });
      const receipt = await w.receipt(hash).catch((error) => error.receipt ?? Promise.reject(error));
      assert.equal(receipt.status, 0);
      const mined = await w.raw('eth_getTransactionReceipt', [hash]);
      assert.deepEqual(mined.logs, []);
      assert.equal(await w.balance(customer()), before - BigInt(mined.gasUsed) * BigInt(mined.effectiveGasPrice));
    }],

    ['an estimate is enough', async () => {
      const data = await w.encode(ledger.abi, 'credit', [NOBODY, 11n]);
      const call = { to: ledger.address, data, value: 1n };
      const gas = await w.estimate(PAYER, call);
      const hash = await w.send(PAYER, { ...call, gasLimit: gas });
      assert.equal((await w.receipt(hash)).status, 1);
      assert.equal(await w.estimate(PAYER, { to: NOBODY, value: 1n }), 21_000n);
    }],

    ['call data is read from input and from data', async () => {
      const data = await w.encode(ledger.abi, 'total', []);
      const [one, other] = [
        await w.raw('eth_call', [{ to: ledger.address, input: data }, 'latest']),
        await w.raw('eth_call', [{ to: ledger.address, data }]),
      ];
      assert.ok(BigInt(one) > 0n && one === other);
    }],

    ['a used nonce is too low', async () => {
      const found = await failure(w, async () =>
        w.send(PAYER, { to: NOBODY, value: 1n, nonce: 0, gasLimit: 21_000n, ...(await fees()) }));
      assert.equal(found.kind, 'nonce too low');
    }],

    ['more than the account has is refused', async () => {
      const value = (await w.balance(w.address(SENDER))) + 1n;
      const found = await failure(w, async () =>
        w.send(SENDER, { to: NOBODY, value, gasLimit: 21_000n, ...(await fees()) }));
      assert.equal(found.kind, 'insufficient funds');
    }],

    ['gas below the intrinsic cost is refused', async () => {
      const found = await failure(w, async () =>
        w.send(SENDER, { to: NOBODY, value: 1n, gasLimit: 20_999n, ...(await fees()) }));
      assert.equal(found.kind, 'intrinsic gas too low');
    }],

    ['a nonce gap waits, is replaced only for a better price, and goes when it is filled', async () => {
      const from = w.address(SENDER);
      const nonce = await w.nonce(from, 'pending');
      const price = await fees();
      const ahead = { to: NOBODY, value: 1n, nonce: nonce + 1, gasLimit: 21_000n };
      const first = await w.send(SENDER, { ...ahead, ...price });
      const found = await failure(w, () => w.send(SENDER, { ...ahead, value: 2n, ...price }));
      assert.equal(found.kind, 'replacement underpriced');
      const better = { maxFeePerGas: 2n * price.maxFeePerGas, maxPriorityFeePerGas: 2n * price.maxPriorityFeePerGas };
      const second = await w.send(SENDER, { ...ahead, value: 3n, ...better });

      await until((await w.blockNumber()) + 2, w);
      assert.equal(await w.nonce(from, 'pending'), nonce, 'what waits behind a gap is not pending');
      assert.equal(await w.raw('eth_getTransactionReceipt', [second]), null);
      const waiting = await w.raw('eth_getTransactionByHash', [second]);
      assert.deepEqual([waiting.blockHash, waiting.blockNumber], [null, null]);

      const filling = await w.send(SENDER, { to: NOBODY, value: 4n, nonce, gasLimit: 21_000n, ...price });
      assert.equal((await w.receipt(filling)).status, 1);
      assert.equal((await w.receipt(second)).status, 1);
      assert.equal(await w.nonce(from), nonce + 2);
      assert.equal(await w.raw('eth_getTransactionReceipt', [first]), null, 'the replaced one is gone');
    }],

    ['a replacement pays a tenth more, in both of its fees', async () => {
      const nonce = (await w.nonce(w.address(BIDDER), 'pending')) + 1;
      // Whole gwei, of which percents are exact.
      const maxFeePerGas = ((await fees()).maxFeePerGas / GWEI + 1n) * GWEI;
      const price = { maxFeePerGas, maxPriorityFeePerGas: 2n * GWEI };
      const send = (fee, tip) => w.send(BIDDER, {
        to: NOBODY, value: 1n, nonce, gasLimit: 21_000n,
        maxFeePerGas: (price.maxFeePerGas * fee) / 100n,
        maxPriorityFeePerGas: (price.maxPriorityFeePerGas * tip) / 100n,
      });
      await send(100n, 100n);
      for (const [fee, tip] of [[109n, 109n], [110n, 109n], [109n, 110n]]) {
        assert.equal((await failure(w, () => send(fee, tip))).kind, 'replacement underpriced');
      }
      const hash = await send(110n, 110n);
      await w.send(BIDDER, { to: NOBODY, value: 1n, nonce: nonce - 1, gasLimit: 21_000n, ...price });
      assert.equal((await w.receipt(hash)).status, 1);
    }],

    ['the pending nonce counts what was just sent', async () => {
      const from = w.address(SENDER);
      const nonce = await w.nonce(from, 'pending');
      const hash = await w.send(SENDER, { to: NOBODY, value: 1n, gasLimit: 21_000n, ...(await fees()) });
      assert.equal(await w.nonce(from, 'pending'), nonce + 1);
      await w.receipt(hash);
    }],

    ['twenty transactions of one account sent at once are mined in their order', async () => {
      const from = w.address(SENDER);
      const nonce = await w.nonce(from, 'pending');
      const price = await fees();
      const hashes = await Promise.all(Array.from({ length: 20 }, (_, i) =>
        w.send(SENDER, { to: NOBODY, value: 1n, nonce: nonce + i, gasLimit: 21_000n, ...price })));
      const receipts = await Promise.all(hashes.map(w.receipt));
      const places = receipts.map((receipt) => receipt.blockNumber * 100_000 + Number(receipt.transactionIndex ?? receipt.index));
      assert.deepEqual(places, [...places].sort((a, b) => a - b));
    }],

    ['a signed transaction sent twice is known the second time', async () => {
      const signed = await w.sign(SENDER, { to: NOBODY, value: 1n, gasLimit: 21_000n, ...(await fees()) });
      const hash = await w.broadcast(signed);
      await assert.rejects(() => w.raw('eth_sendRawTransaction', [signed]), /already known|nonce too low|already imported/);
      await w.receipt(hash);
    }],

    ['a transaction is found by hash and by its place in the block', async () => {
      const hash = await w.send(PAYER, { to: NOBODY, value: 1n });
      const { blockHash, blockNumber } = await w.receipt(hash);
      const found = await w.raw('eth_getTransactionByHash', [hash]);
      const byHash = await w.raw('eth_getTransactionByBlockHashAndIndex', [blockHash, found.transactionIndex]);
      const byNumber = await w.raw('eth_getTransactionByBlockNumberAndIndex', [found.blockNumber, found.transactionIndex]);
      assert.equal(Number(found.blockNumber), blockNumber);
      assert.deepEqual(byHash, found);
      assert.deepEqual(byNumber, found);
      const block = await w.block(blockNumber, true);
      assert.ok(block.transactions.some((one) => one.hash === hash));
      const count = await w.raw('eth_getBlockTransactionCountByHash', [blockHash]);
      assert.equal(Number(count), block.transactions.length);
      for (const method of ['eth_getTransactionByHash', 'eth_getTransactionReceipt']) {
        assert.equal(await w.raw(method, [UNKNOWN_HASH]), null);
      }
    }],

    ['an account of a key borrows the code of a contract (EIP-7702), and gives it back', async () => {
      const authority = w.address(AUTHORITY);
      const lent = await w.authorize(AUTHORITY, ledger.address);
      const data = await w.encode(ledger.abi, 'credit', [NOBODY, 12n]);
      const hash = await w.send(PAYER, { type: 4, to: authority, data, value: 3n, gasLimit: 300_000n, authorizationList: [lent] });
      const receipt = await w.receipt(hash);
      assert.deepEqual([receipt.status, receipt.type], [1, 4]);
      assert.ok(same(await w.code(authority), `0xef0100${ledger.address.slice(2)}`));
      assert.ok(same(receipt.logs[0].address, authority), 'the borrowed code runs in the account');
      assert.equal(BigInt(await w.storage(authority, '0x0')) >= 3n, true);
      const back = await w.authorize(AUTHORITY, ZERO);
      await w.receipt(await w.send(PAYER, { type: 4, to: NOBODY, gasLimit: 100_000n, authorizationList: [back] }));
      assert.equal(await w.code(authority), '0x');
    }],

    ['the fee history covers the blocks and the next base fee', async () => {
      const count = Math.min(5, (await w.blockNumber()) + 1);
      const history = await w.feeHistory(count, [10, 50, 90]);
      assert.equal(history.baseFees.length, count + 1);
      assert.equal(history.ratios.length, count);
      assert.ok(history.ratios.every((ratio) => ratio >= 0 && ratio <= 1));
      assert.ok(history.rewards.every((row) => row.length === 3 && row[0] <= row[1] && row[1] <= row[2]));
      const { baseFeePerGas } = await w.block(history.oldest);
      assert.equal(history.baseFees[0], baseFeePerGas);
    }],

    ['suggested prices are enough for the next block', async () => {
      const { baseFeePerGas } = await w.block('latest');
      assert.ok((await w.gasPrice()) >= baseFeePerGas);
      assert.ok((await w.tip()) >= 0n);
      const hash = await w.send(PAYER, { type: 0, to: NOBODY, value: 1n, gasPrice: await w.gasPrice() });
      assert.equal((await w.receipt(hash)).status, 1);
    }],

    ['fifty questions at once are answered', async () => {
      const balances = await Promise.all(Array.from({ length: 50 }, (_, i) => w.balance(ADDRESSES[i % 10])));
      assert.ok(balances.every((balance) => balance > 0n));
    }],

    ['new heads are told over WebSocket, one after another', async () => {
      const [id, numbers] = await w.heads(3);
      assert.equal(id, await w.chainId());
      assert.deepEqual(numbers, [0, 1, 2].map((more) => numbers[0] + more));
    }],

    ['a filter tells new blocks, each once', async () => {
      const filter = await w.watch('blocks');
      const from = await w.blockNumber();
      await until(from + 2, w);
      const told = await filter.next();
      assert.ok(told.length >= 2, `${told.length} blocks`);
      const numbers = [];
      for (const hash of [...told, ...(await filter.next())]) numbers.push((await w.block(hash)).number);
      assert.deepEqual(numbers, numbers.map((_, i) => numbers[0] + i));
      await filter.stop();
    }],

    ['a filter tells the events of a contract, each once', async () => {
      const filter = await w.watch('events', ledger, 'Credited');
      assert.deepEqual(await filter.next(), []);
      const hash = await w.write(PAYER, ledger, 'credit', [NOBODY, 21n], 2n);
      await w.receipt(hash);
      const told = await eventually(async () => {
        const news = await filter.next();
        return news.length > 0 && news;
      });
      assert.deepEqual(told.map((event) => [event.transactionHash, Number(event.note), event.amount]), [[hash, 21, 2n]]);
      assert.deepEqual(await filter.next(), []);
      await filter.stop();
    }],

    ['a filter tells transactions that wait', async () => {
      const filter = await w.watch('transactions');
      const hash = await w.send(PAYER, { to: NOBODY, value: 1n });
      const seen = new Set();
      await eventually(async () => {
        for (const one of await filter.next()) seen.add(one);
        return seen.has(hash);
      });
      await filter.stop();
      await w.receipt(hash);
    }],

    ['balances, nonces and code are read at every tag', async () => {
      for (const tag of ['earliest', 'finalized', 'safe', 'latest', 'pending']) {
        assert.ok((await w.balance(w.address(9), tag)) > 0n, tag);
        assert.ok(Number(await w.nonce(w.address(9), tag)) >= 0, tag);
      }
      const { number } = await w.block('latest');
      assert.equal(await w.balance(w.address(9), number), await w.balance(w.address(9), 'earliest'));
    }],

    ['mistakes are told by their codes', async () => {
      assert.equal((await failure(w, () => w.raw('eth_noSuchMethod', []))).kind, 'method not found');
      assert.equal((await failure(w, () => w.raw('eth_getBalance', ['0x12', 'latest']))).kind, 'invalid params');
    }],
  ];
}
