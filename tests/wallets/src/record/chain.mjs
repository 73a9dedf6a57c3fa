// What happens on the chain that is compared: transactions of every type, a contract, a failure; and transactions
// that are refused or wait.

import { encodeDeployData, encodeFunctionData, getContractAddress, keccak256, numberToHex, toHex, toRlp } from 'viem';
import { mnemonicToAccount, sign } from 'viem/accounts';
import { ADDRESSES, MNEMONIC } from '../accounts.mjs';

const GWEI = 10n ** 9n;
const ETHER = 10n ** 18n;
export const NOBODY = '0x000000000000000000000000000000000000dEaD';

const account = (index) => mnemonicToAccount(MNEMONIC, { addressIndex: index });

/** Accounts by what they do: each one's nonce is its own. */
const [MAKER, GIVER, AUTHORITY, WAITER, POOR, KNOWN] = [0, 1, 2, 3, 4, 5];
export const WAITING_ACCOUNT = ADDRESSES[WAITER];

/** Makes signed transactions by the node's chain id. */
export class Signer {
  #nonces = new Map();

  constructor(chainId) {
    this.chainId = chainId;
  }

  async sign(from, fields) {
    const nonce = fields.nonce ?? this.#nonces.get(from) ?? 0;
    if (fields.nonce === undefined) this.#nonces.set(from, nonce + 1);
    const price = ['legacy', 'eip2930'].includes(fields.type)
      ? { gasPrice: 20n * GWEI }
      : { maxFeePerGas: 20n * GWEI, maxPriorityFeePerGas: 2n * GWEI };
    const all = { chainId: this.chainId, type: 'eip1559', to: NOBODY, value: 0n, gas: 21_000n, ...price, ...fields, nonce };
    return account(from).signTransaction(all);
  }
}

/** The transactions that are mined, in this order, a block or more for each group; and what is known of them. */
export async function minedTransactions(signer, { abi, bytecode }) {
  const ledger = getContractAddress({ from: ADDRESSES[MAKER], nonce: 0n });
  const write = (functionName, args) => ({ to: ledger, data: encodeFunctionData({ abi, functionName, args }), gas: 200_000n });
  const accessList = [{ address: ledger, storageKeys: [`0x${'00'.repeat(32)}`] }];
  const authorize = (contractAddress, nonce) =>
    account(AUTHORITY).signAuthorization({ chainId: signer.chainId, contractAddress, nonce });
  const groups = [
    [signer.sign(MAKER, { to: null, data: encodeDeployData({ abi, bytecode, args: ['Savings'] }), gas: 2_000_000n })],
    [
      signer.sign(GIVER, { type: 'legacy', value: ETHER }),
      signer.sign(GIVER, { type: 'eip2930', value: ETHER, accessList, gas: 60_000n }),
      signer.sign(GIVER, { value: ETHER, data: '0x1234', gas: 30_000n }),
    ],
    [
      signer.sign(MAKER, { ...write('credit', [ADDRESSES[MAKER], 7n]), value: 5n * ETHER }),
      signer.sign(MAKER, { ...write('credit', [NOBODY, 8n]), value: ETHER }),
      signer.sign(MAKER, { ...write('debit', [1000n * ETHER]) }),
      signer.sign(MAKER, { ...write('debit', [ETHER]) }),
    ],
    [
      signer.sign(GIVER, {
        type: 'eip7702', ...write('credit', [NOBODY, 9n]), to: ADDRESSES[AUTHORITY], value: 3n, gas: 300_000n,
        authorizationList: [await authorize(ledger, 0)],
      }),
      // Code that ends by an invalid opcode: a contract that is not made, and all of its gas.
      signer.sign(GIVER, { to: null, data: '0xfe', gas: 100_000n }),
    ],
  ];
  return { ledger, delegated: ADDRESSES[AUTHORITY], groups: await Promise.all(groups.map((group) => Promise.all(group))) };
}

/** Transactions that are sent to both and not mined: what is refused and why, and what waits. */
export async function sentTransactions(signer, balance) {
  const one = (fields) => signer.sign(WAITER, { nonce: 0, ...fields });
  const malformed = async () => `${(await one({})).slice(0, -8)}`;
  const known = await signer.sign(KNOWN, { nonce: 5 });
  return [
    ['a nonce gap', await signer.sign(WAITER, { nonce: 3, value: 1n })],
    ['a nonce gap, once more', await signer.sign(WAITER, { nonce: 3, value: 1n })],
    ['a replacement that pays no more', await signer.sign(WAITER, { nonce: 3, value: 2n })],
    ['a used nonce', await signer.sign(GIVER, { nonce: 0 })],
    ['more than the balance', await signer.sign(POOR, { nonce: 0, value: balance })],
    ['too little gas', await one({ gas: 20_999n })],
    ['too little gas for the data floor', await one({ gas: 21_100n, data: `0x${'11'.repeat(100)}` })],
    ['more gas than a block has', await one({ gas: 30_000_001n })],
    ['a tip above the fee', await tipAboveFee(signer)],
    ['no tip at all', await one({ maxPriorityFeePerGas: 0n })],
    ['a fee below the base fee', await signer.sign(KNOWN, { nonce: 7, maxFeePerGas: 2n, maxPriorityFeePerGas: 1n })],
    ['another chain', await account(WAITER).signTransaction({
      chainId: 1, type: 'eip1559', to: NOBODY, nonce: 0, gas: 21_000n, maxFeePerGas: GWEI, maxPriorityFeePerGas: 1n })],
    ['no chain', await account(WAITER).signTransaction({
      type: 'legacy', to: NOBODY, nonce: 0, gas: 21_000n, gasPrice: 20n * GWEI })],
    ['init code that is too long', await one({ to: null, data: `0x${'00'.repeat(49_153)}`, gas: 5_000_000n })],
    ['more bytes than are taken', await one({ data: `0x${'00'.repeat(131_073)}`, gas: 5_000_000n })],
    ['a known one, the first time', known],
    ['a known one, the second time', known],
    ['bytes that are no transaction', '0x1234'],
    ['no bytes', '0x'],
    ['a truncated one', await malformed()],
    ['an unknown type', '0x0501'],
    ['a type with nothing in it', '0x02c0'],
  ];
}

/** viem refuses to make it by its own rules; so its fields are put past them. */
async function tipAboveFee(signer) {
  const quantity = (value) => (value === 0n ? '0x' : numberToHex(value, { size: Math.ceil(value.toString(16).length / 2) }));
  const fields = [
    quantity(BigInt(signer.chainId)), '0x', quantity(20n), quantity(10n), quantity(21_000n), NOBODY.toLowerCase(), '0x', '0x', [],
  ];
  const privateKey = toHex(account(WAITER).getHdKey().privateKey);
  const { r, s, yParity } = await sign({ hash: keccak256(`0x02${toRlp(fields).slice(2)}`), privateKey });
  const signature = [BigInt(yParity), BigInt(r), BigInt(s)].map(quantity);
  return `0x02${toRlp([...fields, ...signature]).slice(2)}`;
}
