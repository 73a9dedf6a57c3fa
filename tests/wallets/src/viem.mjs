// What the scenarios need, by viem.

import {
  BaseError,
  ContractFunctionRevertedError,
  ExecutionRevertedError,
  InsufficientFundsError,
  IntrinsicGasTooLowError,
  InvalidParamsRpcError,
  MethodNotFoundRpcError,
  NonceTooLowError,
  createPublicClient,
  createWalletClient,
  defineChain,
  encodeFunctionData,
  getContractAddress,
  http,
  webSocket,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { MNEMONIC } from './accounts.mjs';

const POLL_MS = 200;

export async function viemWallet(url) {
  const transport = () => http(url, { batch: true, retryCount: 0, timeout: 20_000 });
  const probe = createPublicClient({ transport: transport() });
  const id = await probe.getChainId();
  const chain = defineChain({
    id,
    name: 'node under test',
    nativeCurrency: { name: 'Coin', symbol: 'COIN', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  });
  const client = createPublicClient({ chain, transport: transport(), pollingInterval: POLL_MS, cacheTime: 0 });
  const account = (index) => mnemonicToAccount(MNEMONIC, { addressIndex: index });
  const wallet = (index) => createWalletClient({ account: account(index), chain, transport: transport() });
  const raw = (method, params) => client.request({ method, params });

  return {
    name: 'viem',
    address: (index) => account(index).address,
    raw,
    chainId: () => client.getChainId(),
    blockNumber: async () => Number(await client.getBlockNumber()),
    block: async (at, full = false) => {
      const block = await client.getBlock({ ...place(at), includeTransactions: full });
      return { ...block, number: block.number === null ? null : Number(block.number) };
    },
    balance: (address, at = 'latest') => client.getBalance({ address, ...place(at) }),
    nonce: (address, at = 'latest') => client.getTransactionCount({ address, ...place(at) }),
    code: async (address) => (await client.getCode({ address })) ?? '0x',
    storage: (address, slot) => client.getStorageAt({ address, slot }),
    gasPrice: () => client.getGasPrice(),
    tip: () => client.estimateMaxPriorityFeePerGas(),
    feeHistory: async (blockCount, percentiles) => {
      const history = await client.getFeeHistory({ blockCount, rewardPercentiles: percentiles });
      return {
        oldest: Number(history.oldestBlock),
        baseFees: history.baseFeePerGas,
        ratios: history.gasUsedRatio,
        rewards: history.reward,
      };
    },

    send: (from, { gasLimit, ...fields }) =>
      wallet(from).sendTransaction({ ...fields, type: TYPES[fields.type ?? 2], gas: gasLimit }),
    sign: async (from, { gasLimit, ...fields }) => {
      const request = { ...fields, type: TYPES[fields.type ?? 2], gas: gasLimit };
      return wallet(from).signTransaction(await wallet(from).prepareTransactionRequest(request));
    },
    broadcast: (serializedTransaction) => client.sendRawTransaction({ serializedTransaction }),
    authorize: (index, contractAddress) => wallet(index).signAuthorization({ contractAddress }),
    estimate: (from, { gasLimit, ...fields }) => client.estimateGas({ account: account(from), ...fields, gas: gasLimit }),
    receipt: async (hash) => {
      const receipt = await client.waitForTransactionReceipt({ hash, timeout: 60_000, checkReplacement: false });
      return {
        ...receipt,
        status: receipt.status === 'success' ? 1 : 0,
        type: TYPES.indexOf(receipt.type),
        blockNumber: Number(receipt.blockNumber),
      };
    },
    transaction: async (hash) => {
      const found = await client.getTransaction({ hash });
      return { ...found, blockNumber: found.blockNumber === null ? null : Number(found.blockNumber) };
    },

    deploy: async (from, { abi, bytecode }, args) => {
      const hash = await wallet(from).deployContract({ abi, bytecode, args });
      const receipt = await client.waitForTransactionReceipt({ hash });
      const nonce = BigInt((await client.getTransaction({ hash })).nonce);
      return { address: receipt.contractAddress, expected: getContractAddress({ from: account(from).address, nonce }), hash };
    },
    encode: (abi, functionName, args) => encodeFunctionData({ abi, functionName, args }),
    read: (contract, functionName, args = [], at = 'latest') =>
      client.readContract({ ...contract, functionName, args, ...place(at) }),
    simulate: (from, contract, functionName, args) =>
      client.simulateContract({ ...contract, functionName, args, account: account(from) }),
    estimateCall: (from, contract, functionName, args) =>
      client.estimateContractGas({ ...contract, functionName, args, account: account(from) }),
    write: (from, contract, functionName, args, value = 0n) =>
      wallet(from).writeContract({ ...contract, functionName, args, value }),
    events: async (contract, eventName, args, range) => {
      const logs = await client.getContractEvents({ ...contract, eventName, args, ...range, strict: true });
      return logs.map((log) => ({ ...log.args, blockNumber: Number(log.blockNumber), transactionHash: log.transactionHash }));
    },

    heads: async (count) => {
      const over = createPublicClient({ chain, transport: webSocket(url.replace(/^http/, 'ws'), { reconnect: false }) });
      const numbers = [];
      let stop;
      await new Promise((resolve, reject) => {
        const onBlockNumber = (number) => numbers.push(Number(number)) === count && resolve();
        stop = over.watchBlockNumber({ onBlockNumber, onError: reject });
      });
      stop();
      const id_ = await over.getChainId();
      (await over.transport.getRpcClient()).close();
      return [id_, numbers.slice(0, count)];
    },
    watch: async (what, contract, eventName) => {
      const filter = await {
        blocks: () => client.createBlockFilter(),
        transactions: () => client.createPendingTransactionFilter(),
        events: () => client.createContractEventFilter({ ...contract, eventName, strict: true }),
      }[what]();
      return {
        next: async () => (await client.getFilterChanges({ filter })).map((one) =>
          (what === 'events' ? { ...one.args, transactionHash: one.transactionHash } : one)),
        stop: () => client.uninstallFilter({ filter }),
      };
    },

    /** What viem's own error classes make of an error. */
    classify: (error) => {
      if (!(error instanceof BaseError)) return { kind: 'unknown', error };
      const is = (type) => error.walk((cause) => cause instanceof type);
      const reverted = is(ContractFunctionRevertedError);
      if (reverted) {
        const { errorName: name, args = [] } = reverted.data ?? {};
        if (name === 'Panic') return { kind: 'revert', panic: Number(args[0]) };
        if (name === 'Error') return { kind: 'revert', reason: args[0] };
        return { kind: 'revert', name, args };
      }
      if (is(NonceTooLowError)) return { kind: 'nonce too low' };
      if (is(InsufficientFundsError)) return { kind: 'insufficient funds' };
      if (is(IntrinsicGasTooLowError)) return { kind: 'intrinsic gas too low' };
      if (is(MethodNotFoundRpcError)) return { kind: 'method not found' };
      if (is(InvalidParamsRpcError)) return { kind: 'invalid params' };
      if (is(ExecutionRevertedError)) return { kind: 'revert' };
      // viem has no class for this; its users read the details.
      if (/replacement transaction underpriced/.test(error.details)) return { kind: 'replacement underpriced' };
      return { kind: 'unknown', error };
    },
    close: () => {},
  };
}

const TYPES = ['legacy', 'eip2930', 'eip1559', 'eip4844', 'eip7702'];

function place(at) {
  if (typeof at === 'number') return { blockNumber: BigInt(at) };
  return at.startsWith('0x') ? { blockHash: at } : { blockTag: at };
}
