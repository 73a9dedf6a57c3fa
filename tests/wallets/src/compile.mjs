// Compiles the contract that the scenarios use.

import { readFileSync } from 'node:fs';
import solc from 'solc';

/** The ABI and creation code of `contracts/Ledger.sol`. */
export function compileLedger() {
  const file = 'Ledger.sol';
  const content = readFileSync(new URL(`../contracts/${file}`, import.meta.url), 'utf8');
  const input = {
    language: 'Solidity',
    sources: { [file]: { content } },
    settings: {
      evmVersion: 'prague',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { [file]: { Ledger: ['abi', 'evm.bytecode.object'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((error) => error.severity === 'error');
  if (errors.length > 0) {
    throw new Error(errors.map((error) => error.formattedMessage).join('\n'));
  }
  const { abi, evm } = output.contracts[file].Ledger;
  return { abi, bytecode: `0x${evm.bytecode.object}` };
}
