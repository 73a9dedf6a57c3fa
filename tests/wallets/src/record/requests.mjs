// What both are asked: every method that the embedded engine answers, with what clients send and what they should not.

import { encodeEventTopics, encodeFunctionData } from 'viem';
import { ADDRESSES } from '../accounts.mjs';
import { NOBODY, WAITING_ACCOUNT } from './chain.mjs';

const UNKNOWN = `0x${'12'.repeat(32)}`;
const hex = (value) => `0x${value.toString(16)}`;

/**
 * The requests, as `[method, case, params]`. `chain` says what is on it: `{ ledger, delegated, blocks, hashes, abi, head,
 * waiting }`, where `blocks[i]` is the block of group `i` as the RPC tells it, and `hashes` are those of its transactions.
 */
export function requests(chain) {
  const { ledger, delegated, abi, blocks, hashes } = chain;
  const [deployed, transfers, calls, borrowed] = blocks;
  const payer = ADDRESSES[1];
  const data = (functionName, args = []) => encodeFunctionData({ abi, functionName, args });
  const tags = ['earliest', 'finalized', 'safe', 'latest', 'pending'];
  const places = [
    ...tags.map((tag) => [tag, tag]),
    ['number', transfers.number],
    ['number 0', '0x0'],
    ['a number above the head', '0xffffffff'],
    ['a hash', transfers.hash],
    ['an unknown hash', UNKNOWN],
    ['a hash in an object', { blockHash: transfers.hash }],
    ['a canonical hash', { blockHash: transfers.hash, requireCanonical: true }],
    ['an unknown hash in an object', { blockHash: UNKNOWN }],
    ['a number in an object', { blockNumber: transfers.number }],
    ['a word', 'newest'],
    ['a bare number', 7],
    ['an empty object', {}],
  ];
  const at = (method, ...before) => places.map(([name, place]) => [method, `at ${name}`, [...before, place]]);
  const numbers = places.filter(([, place]) => typeof place === 'string' && place.length < 66);
  const byNumber = (method, ...after) => numbers.map(([name, place]) => [method, name, [place, ...after]]);
  const byHash = (method, ...after) =>
    [['a hash', transfers.hash], ['an unknown hash', UNKNOWN], ['genesis', chain.genesis]].map(([name, hash]) => [method, name, [hash, ...after]]);

  return [
    // The chain.
    ['eth_chainId', '', []],
    ['net_version', '', []],
    ['net_listening', '', []],
    ['net_peerCount', '', []],
    ['eth_syncing', '', []],
    ['eth_accounts', '', []],
    ['eth_blockNumber', '', []],
    ['web3_sha3', '', ['0x68656c6c6f']],
    ['eth_noSuchMethod', '', []],
    ['eth_sign', '', [payer, '0x00']],
    ['eth_sendTransaction', '', [{ from: payer, to: NOBODY }]],
    ['eth_getBalance', 'no parameters', []],
    ['eth_getBalance', 'a short address', ['0x12', 'latest']],
    ['eth_getBalance', 'an address without 0x', [payer.slice(2), 'latest']],
    ['eth_getBalance', 'a parameter too many', [payer, 'latest', 1]],

    // Accounts.
    ...at('eth_getBalance', payer),
    ['eth_getBalance', 'no block', [payer]],
    ['eth_getBalance', 'nobody', [`0x${'77'.repeat(20)}`, 'latest']],
    ...at('eth_getTransactionCount', payer),
    ['eth_getTransactionCount', 'pending, behind a gap', [WAITING_ACCOUNT, 'pending']],
    ...at('eth_getCode', ledger),
    ['eth_getCode', 'of an account of a key', [payer, 'latest']],
    ['eth_getCode', 'of a delegated account', [delegated, 'latest']],
    ...at('eth_getStorageAt', ledger, '0x0'),
    ['eth_getStorageAt', 'a whole word', [ledger, `0x${'00'.repeat(32)}`, 'latest']],
    ['eth_getStorageAt', 'an empty slot', [ledger, '0xff', 'latest']],
    ['eth_getStorageAt', 'a slot that is no number', [ledger, '0xzz', 'latest']],
    ['eth_getStorageAt', 'a slot that is too long', [ledger, `0x${'00'.repeat(33)}`, 'latest']],
    ...at('eth_getProof', ledger, ['0x0', '0x5']),
    ['eth_getProof', 'nobody', [`0x${'77'.repeat(20)}`, ['0x0'], 'latest']],
    ['eth_getProof', 'no slots', [payer, [], 'latest']],

    // Blocks.
    ...[false, true].flatMap((full) => byNumber('eth_getBlockByNumber', full)),
    ...[false, true].flatMap((full) => byHash('eth_getBlockByHash', full)),
    ...blocks.map((block, i) => ['eth_getBlockByNumber', `group ${i}`, [block.number, true]]),
    ['eth_getBlockByNumber', 'no second parameter', [transfers.number]],
    ['eth_getBlockByNumber', 'a bare number', [7, false]],
    ...byNumber('eth_getHeaderByNumber'),
    ...byHash('eth_getHeaderByHash'),
    ...byNumber('eth_getBlockTransactionCountByNumber'),
    ...byHash('eth_getBlockTransactionCountByHash'),
    ...byNumber('eth_getUncleCountByBlockNumber'),
    ...byHash('eth_getUncleCountByBlockHash'),
    ...byNumber('eth_getUncleByBlockNumberAndIndex', '0x0'),
    ...byHash('eth_getUncleByBlockHashAndIndex', '0x0'),
    ...byNumber('eth_getTransactionByBlockNumberAndIndex', '0x0'),
    ...byHash('eth_getTransactionByBlockHashAndIndex', '0x1'),
    ['eth_getTransactionByBlockNumberAndIndex', 'a place beyond the last', [transfers.number, '0xff']],
    ...byNumber('eth_getRawTransactionByBlockNumberAndIndex', '0x0'),
    ...byHash('eth_getRawTransactionByBlockHashAndIndex', '0x0'),
    ...at('eth_getBlockReceipts'),
    ...blocks.map((block, i) => ['eth_getBlockReceipts', `group ${i}`, [block.number]]),
    ...['debug_getRawBlock', 'debug_getRawHeader', 'debug_getRawReceipts'].flatMap((method) => [
      ...at(method),
      ...blocks.map((block, i) => [method, `group ${i}`, [block.number]]),
    ]),

    // Transactions.
    ...hashes.flatMap((hash, i) => [
      ['eth_getTransactionByHash', `mined ${i}`, [hash]],
      ['eth_getTransactionReceipt', `mined ${i}`, [hash]],
      ['eth_getRawTransactionByHash', `mined ${i}`, [hash]],
    ]),
    ...['eth_getTransactionByHash', 'eth_getTransactionReceipt', 'eth_getRawTransactionByHash'].flatMap((method) => [
      [method, 'unknown', [UNKNOWN]],
      [method, 'waiting', [chain.waiting]],
      [method, 'no hash', ['0x12']],
    ]),
    ['debug_getRawTransaction', 'mined', [hashes[0]]],

    // Calls.
    ...at('eth_call', { to: ledger, data: data('total') }),
    ...at('eth_estimateGas', { from: payer, to: NOBODY, value: '0x1' }),
    ...['eth_call', 'eth_estimateGas', 'eth_createAccessList'].flatMap((method) => callCases(chain, data).map(([title, request, ...more]) =>
      [method, title, [request, ...(more.length > 0 ? more : ['latest'])]])),
    ['eth_call', 'no block', [{ to: ledger, data: data('total') }]],
    ['eth_call', 'no transaction', []],

    // Fees.
    ['eth_gasPrice', '', []],
    ['eth_maxPriorityFeePerGas', '', []],
    ['eth_blobBaseFee', '', []],
    ['eth_feeHistory', 'ten', ['0xa', 'latest', [10, 50, 90]]],
    ['eth_feeHistory', 'without percentiles', ['0x3', 'latest', []]],
    ['eth_feeHistory', 'null for percentiles', ['0x3', 'latest', null]],
    ['eth_feeHistory', 'no third parameter', ['0x3', 'latest']],
    ['eth_feeHistory', 'up to a number', ['0x3', calls.number, [0, 25, 50, 75, 100]]],
    ['eth_feeHistory', 'a decimal count', [4, 'latest', []]],
    ['eth_feeHistory', 'none', ['0x0', 'latest', []]],
    ['eth_feeHistory', 'up to earliest', ['0x3', 'earliest', [50]]],
    ['eth_feeHistory', 'up to safe', ['0x3', 'safe', [50]]],
    ['eth_feeHistory', 'up to pending', ['0x3', 'pending', []]],
    ['eth_feeHistory', 'more than there are', [hex(1000), transfers.number, []]],
    ['eth_feeHistory', 'above the head', ['0x3', '0xffffffff', []]],
    ['eth_feeHistory', 'falling percentiles', ['0x3', 'latest', [50, 10]]],
    ['eth_feeHistory', 'a percentile above 100', ['0x3', 'latest', [101]]],

    // Logs.
    ...logCases(chain, transfers, calls, borrowed, deployed).map(([title, filter]) => ['eth_getLogs', title, [filter]]),
    ['eth_getLogs', 'no filter', []],
    ['eth_newFilter', 'a reversed range', [{ fromBlock: '0x5', toBlock: '0x2' }]],
    ['eth_getFilterChanges', 'unknown', ['0x12']],
    ['eth_getFilterLogs', 'unknown', ['0x12']],
    ['eth_uninstallFilter', 'unknown', ['0x12']],
    ['eth_subscribe', 'over HTTP', ['newHeads']],
    ['txpool_status', '', []],
    ['txpool_contentFrom', 'who waits', [WAITING_ACCOUNT]],
    ['txpool_inspect', '', []],
  ];
}

/** Calls as `[title, request, block, overrides...]`. */
function callCases({ ledger, chainId }, data) {
  const [maker, payer] = ADDRESSES;
  const call = (functionName, args, fields = {}) => ({ from: payer, to: ledger, data: data(functionName, args), ...fields });
  return [
    ['a read', call('total')],
    ['a read by input', { to: ledger, input: data('total') }],
    ['input and data that agree', { to: ledger, input: data('total'), data: data('total') }],
    ['input and data that differ', { to: ledger, input: data('total'), data: data('name') }],
    ['a write', call('credit', [NOBODY, 3n], { value: '0x5' })],
    ['a revert with a reason', call('rename', ['Mine'])],
    ['a revert with a custom error', call('debit', [10n ** 24n])],
    ['a panic', call('share', [0n])],
    ['a revert without a word', call('never', [])],
    ['a function that is not there', { from: payer, to: ledger, data: '0x12345678' }],
    ['a plain transfer', { from: payer, to: NOBODY, value: '0x1' }],
    ['more than the balance', { from: payer, to: NOBODY, value: `0x${'f'.repeat(30)}` }],
    ['from nobody', { to: ledger, data: data('total') }],
    ['from nobody with value', { to: NOBODY, value: '0x1' }],
    ['a creation', { from: payer, data: '0x600a600c600039600a6000f3602a60005260206000f3' }],
    ['a creation that reverts', { from: payer, data: '0x60006000fd' }],
    ['an invalid opcode', { from: payer, data: '0xfe' }],
    ['an endless loop', { from: payer, data: '0x5b600056' }],
    ['a bad jump', { from: payer, data: '0x600456' }],
    ['too little gas', call('credit', [NOBODY, 3n], { gas: '0x5300' })],
    ['less than the intrinsic gas', call('total', [], { gas: '0x5000' })],
    ['a gas price', call('total', [], { gasPrice: '0x4a817c800' })],
    ['a gas price below the base fee', call('total', [], { gasPrice: '0x1' })],
    ['a fee and a tip', call('total', [], { maxFeePerGas: '0x4a817c800', maxPriorityFeePerGas: '0x1' })],
    ['a fee below the base fee', call('total', [], { maxFeePerGas: '0x1' })],
    ['a tip above the fee', call('total', [], { maxFeePerGas: '0x4a817c800', maxPriorityFeePerGas: '0x5a817c800' })],
    ['both kinds of fee', call('total', [], { maxFeePerGas: '0x4a817c800', gasPrice: '0x1' })],
    ['gas that cannot be paid for', call('total', [], { gas: '0x1c9c380', gasPrice: '0xffffffffffffffff' })],
    ['an access list', call('total', [], { accessList: [{ address: ledger, storageKeys: [`0x${'00'.repeat(32)}`] }] })],
    ['the right chain id', call('total', [], { chainId })],
    ['a wrong chain id', call('total', [], { chainId: '0x1' })],
    ['a nonce', call('total', [], { nonce: '0x0' })],
    ['every field null', { from: null, to: ledger, gas: null, gasPrice: null, value: null, data: data('total'), nonce: null }],
    ['a wrong address', { to: '0x12' }],
    ['blob fields', call('total', [], { blobVersionedHashes: [`0x01${'00'.repeat(31)}`], maxFeePerBlobGas: '0x1' })],
    ['the balance overridden', { from: payer, to: NOBODY, value: `0x${'f'.repeat(24)}` }, 'latest', { [payer]: { balance: `0x${'f'.repeat(28)}` } }],
    ['the code overridden', { from: payer, to: NOBODY }, 'latest', { [NOBODY]: { code: '0x602a60005260206000f3' } }],
    ['a slot overridden', call('total'), 'latest', { [ledger]: { stateDiff: { [`0x${'00'.repeat(32)}`]: `0x${'00'.repeat(31)}07` } } }],
    ['all slots overridden', call('total'), 'latest', { [ledger]: { state: {} } }],
    ['state and stateDiff', call('total'), 'latest', { [ledger]: { state: {}, stateDiff: {} } }],
    ['the nonce overridden', { from: maker, data: '0x600a600c600039600a6000f3602a60005260206000f3' }, 'latest', { [maker]: { nonce: '0xff' } }],
    ['empty overrides', call('total'), 'latest', {}, {}],
    ['null overrides', call('total'), 'latest', null, null],
    ['the block number overridden', { from: payer, data: '0x4360005260206000f3' }, 'latest', {}, { number: '0x1234' }],
    ['the time overridden', { from: payer, data: '0x4260005260206000f3' }, 'latest', {}, { time: '0x7fffffff' }],
  ];
}

/** Filters as `[title, filter]`. */
function logCases({ ledger, abi }, transfers, calls, borrowed, deployed) {
  const topics = encodeEventTopics({ abi, eventName: 'Credited', args: { note: 8n } });
  const range = { fromBlock: deployed.number, toBlock: borrowed.number };
  return [
    ['all of a range', range],
    ['by address', { ...range, address: ledger }],
    ['by addresses', { ...range, address: [ledger, NOBODY] }],
    ['by topics', { ...range, topics }],
    ['by alternatives', { ...range, topics: [[topics[0], UNKNOWN]] }],
    ['of a block', { blockHash: calls.hash }],
    ['of an unknown block', { blockHash: UNKNOWN }],
    ['of a block without any', { blockHash: transfers.hash }],
    ['a hash and a range', { blockHash: calls.hash, fromBlock: '0x1' }],
    ['a reversed range', { fromBlock: calls.number, toBlock: '0x1' }],
    ['above the head', { fromBlock: '0xfffffff0', toBlock: '0xffffffff' }],
    ['from a block to one above the head', { fromBlock: calls.number, toBlock: '0xffffffff', address: ledger }],
    ['up to latest', { fromBlock: calls.number, toBlock: 'latest' }],
    ['pending', { fromBlock: 'pending', toBlock: 'pending' }],
    ['up to finalized', { fromBlock: 'earliest', toBlock: 'finalized' }],
    ['nothing said', {}],
    ['five topics', { ...range, topics: [null, null, null, null, null] }],
    ['a short topic', { ...range, topics: ['0x12'] }],
    ['a short address', { ...range, address: '0x12' }],
  ];
}
