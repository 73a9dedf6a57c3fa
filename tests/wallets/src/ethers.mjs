// What the scenarios need, by ethers.

import {
  Contract,
  ContractFactory,
  HDNodeWallet,
  Interface,
  JsonRpcProvider,
  WebSocketProvider,
  getCreateAddress,
  isError,
} from 'ethers';
import { MNEMONIC } from './accounts.mjs';

const POLL_MS = 200;

export async function ethersWallet(url) {
  const provider = new JsonRpcProvider(url, undefined, { staticNetwork: true, cacheTimeout: -1, pollingInterval: POLL_MS });
  const wallets = Array.from({ length: 10 }, (_, index) =>
    HDNodeWallet.fromPhrase(MNEMONIC, undefined, `m/44'/60'/0'/0/${index}`).connect(provider));
  const raw = (method, params) => provider.send(method, params);
  const bound = ({ address, abi }, runner) => new Contract(address, abi, runner);

  return {
    name: 'ethers',
    address: (index) => wallets[index].address,
    raw,
    chainId: async () => Number((await provider.getNetwork()).chainId),
    blockNumber: () => provider.getBlockNumber(),
    block: async (at, full = false) => {
      const block = await provider.getBlock(at, full);
      return {
        hash: block.hash,
        number: block.number,
        timestamp: BigInt(block.timestamp),
        baseFeePerGas: block.baseFeePerGas,
        transactions: full ? block.prefetchedTransactions : block.transactions,
      };
    },
    balance: (address, at = 'latest') => provider.getBalance(address, at),
    nonce: (address, at = 'latest') => provider.getTransactionCount(address, at),
    code: (address) => provider.getCode(address),
    storage: (address, slot) => provider.getStorage(address, slot),
    gasPrice: async () => (await provider.getFeeData()).gasPrice,
    tip: async () => BigInt(await raw('eth_maxPriorityFeePerGas', [])),
    feeHistory: async (blockCount, percentiles) => {
      // ethers has no call of its own for it.
      const history = await raw('eth_feeHistory', [`0x${blockCount.toString(16)}`, 'latest', percentiles]);
      return {
        oldest: Number(history.oldestBlock),
        baseFees: history.baseFeePerGas.map(BigInt),
        ratios: history.gasUsedRatio,
        rewards: history.reward.map((row) => row.map(BigInt)),
      };
    },

    send: async (from, fields) => (await wallets[from].sendTransaction({ type: 2, ...fields })).hash,
    sign: async (from, fields) => {
      const request = await wallets[from].populateTransaction({ type: 2, ...fields });
      return wallets[from].signTransaction(request);
    },
    broadcast: async (signed) => (await provider.broadcastTransaction(signed)).hash,
    authorize: (index, address) => wallets[index].authorize({ address }),
    estimate: (from, fields) => wallets[from].estimateGas(fields),
    receipt: async (hash) => {
      const receipt = await provider.waitForTransaction(hash, 1, 60_000);
      return { ...plain(receipt), logs: receipt.logs, effectiveGasPrice: receipt.gasPrice };
    },
    transaction: async (hash) => {
      const found = await provider.getTransaction(hash);
      return { ...plain(found), input: found.data, transactionIndex: found.index ?? null };
    },

    deploy: async (from, { abi, bytecode }, args) => {
      const contract = await new ContractFactory(abi, bytecode, wallets[from]).deploy(...args);
      const { nonce, hash } = contract.deploymentTransaction();
      await contract.waitForDeployment();
      const { contractAddress } = await provider.getTransactionReceipt(hash);
      return { address: contractAddress, expected: getCreateAddress({ from: wallets[from].address, nonce }), hash };
    },
    encode: (abi, name, args) => new Interface(abi).encodeFunctionData(name, args),
    read: (contract, name, args = [], at = 'latest') => bound(contract, provider)[name](...args, { blockTag: at }),
    simulate: (from, contract, name, args) => bound(contract, wallets[from])[name].staticCall(...args),
    estimateCall: (from, contract, name, args) => bound(contract, wallets[from])[name].estimateGas(...args),
    write: async (from, contract, name, args, value = 0n) =>
      (await bound(contract, wallets[from])[name].send(...args, { value })).hash,
    events: async (contract, name, args, range) => {
      const { filters, interface: abi } = bound(contract, provider);
      const topics = await filters[name](args.account ?? null, args.note ?? null).getTopicFilter();
      const logs = await provider.getLogs({ address: contract.address, topics, ...range });
      return logs.map((log) => {
        const { account, note, amount } = abi.parseLog(log).args;
        return { account, note, amount, blockNumber: log.blockNumber, transactionHash: log.transactionHash };
      });
    },

    heads: async (count) => {
      const over = new WebSocketProvider(url.replace(/^http/, 'ws'));
      const numbers = [];
      await new Promise((resolve) => over.on('block', (number) => numbers.push(number) === count && resolve()));
      const { chainId } = await over.getNetwork();
      await over.destroy();
      return [Number(chainId), numbers.slice(0, count)];
    },
    watch: async (what, contract, name) => {
      // ethers keeps its filters to itself; its users who want one install it like this.
      const filter = what === 'events'
        ? ['eth_newFilter', [{ address: contract.address, topics: [bound(contract, provider).interface.getEvent(name).topicHash] }]]
        : [{ blocks: 'eth_newBlockFilter', transactions: 'eth_newPendingTransactionFilter' }[what], []];
      const id = await raw(...filter);
      return {
        next: async () => (await raw('eth_getFilterChanges', [id])).map((one) => {
          if (what !== 'events') return one;
          const { account, note, amount } = bound(contract, provider).interface.parseLog(one).args;
          return { account, note, amount, transactionHash: one.transactionHash };
        }),
        stop: () => raw('eth_uninstallFilter', [id]),
      };
    },

    /** What ethers' own error codes make of an error. */
    classify: (error) => {
      if (isError(error, 'CALL_EXCEPTION')) {
        if (error.revert?.name === 'Panic') return { kind: 'revert', panic: Number(error.revert.args[0]) };
        if (error.revert?.name === 'Error') return { kind: 'revert', reason: error.revert.args[0] };
        if (error.revert) return { kind: 'revert', name: error.revert.name, args: [...error.revert.args] };
        // An estimate knows no ABI: reasons are told by ethers itself, custom errors by their data.
        const panic = /^Panic due to .*\((\d+)\)$/.exec(error.reason ?? '');
        if (panic) return { kind: 'revert', panic: Number(panic[1]) };
        return { kind: 'revert', reason: error.reason ?? undefined, data: error.data };
      }
      if (isError(error, 'NONCE_EXPIRED')) return { kind: 'nonce too low' };
      if (isError(error, 'INSUFFICIENT_FUNDS')) return { kind: 'insufficient funds' };
      if (isError(error, 'REPLACEMENT_UNDERPRICED')) return { kind: 'replacement underpriced' };
      if (isError(error, 'UNSUPPORTED_OPERATION')) return { kind: 'method not found' };
      // ethers has no codes for these; its users read the node's own error.
      if (error.error?.code === -32601) return { kind: 'method not found' };
      if (error.error?.code === -32602) return { kind: 'invalid params' };
      if (/intrinsic gas too low/.test(error.error?.message)) return { kind: 'intrinsic gas too low' };
      return { kind: 'unknown', error };
    },
    close: () => provider.destroy(),
  };
}

/** ethers keeps its fields on the object, without its methods and its provider. */
function plain({ provider: _, ...fields }) {
  return fields;
}
