// Usage: node genesis.mjs <chain.json>
//
// Prints the genesis file, as `geth init` takes it, of a chain spec as `alys init` writes it.

import { readFileSync } from 'node:fs';

const spec = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const hex = (value) => `0x${value.toString(16)}`;
const zero = (bytes) => `0x${'00'.repeat(bytes)}`;
const fromStart = (names, kind) => Object.fromEntries(names.map((name) => [`${name}${kind}`, 0]));
const blobs = { target: 0, max: 0, baseFeeUpdateFraction: 5007716 };
const { accounts, base_fee: baseFee, extra_data: extraData } = spec.execution_genesis;
const genesis = {
  config: {
    chainId: spec.chain_id,
    ...fromStart(['homestead', 'eip150', 'eip155', 'eip158', 'byzantium', 'constantinople', 'petersburg', 'istanbul', 'berlin', 'london', 'mergeNetsplit'], 'Block'),
    ...fromStart(['shanghai', 'cancun', 'prague'], 'Time'),
    terminalTotalDifficulty: 0,
    terminalTotalDifficultyPassed: true,
    depositContractAddress: zero(20),
    blobSchedule: { cancun: blobs, prague: blobs },
  },
  nonce: '0x0',
  timestamp: hex(Math.floor(spec.blocks.genesis_ms / 1000)),
  extraData,
  gasLimit: hex(spec.blocks.gas_limit),
  difficulty: '0x0',
  mixHash: zero(32),
  coinbase: zero(20),
  baseFeePerGas: hex(baseFee),
  excessBlobGas: '0x0',
  blobGasUsed: '0x0',
  alloc: Object.fromEntries(Object.entries(accounts).map(([address, { balance, nonce, code, storage }]) => [
    address,
    { balance, nonce: hex(nonce), ...(code !== '0x' && { code }), ...(Object.keys(storage).length > 0 && { storage }) },
  ])),
};
console.log(JSON.stringify(genesis));
