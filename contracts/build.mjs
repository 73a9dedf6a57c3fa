// Usage: node build.mjs [--check]
//
// Compiles Bridge.sol and writes artifacts/Bridge.json (ABI, code, compiler, settings, hash of the source) and
// artifacts/Bridge.hex (the runtime code alone, which the chain spec's genesis carries). With --check nothing is
// written: the exit code is 1 where an artifact differs from what the source compiles to.
//
// The same source gives the same bytes everywhere: package-lock.json fixes the compiler (which is WebAssembly), the
// settings stand below, and neither a path nor a hash of metadata enters the code.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import solc from 'solc';

const NAME = 'Bridge';
const SOURCE = `${NAME}.sol`;

const SETTINGS = {
  evmVersion: 'prague',
  viaIR: false,
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: 'none', appendCBOR: false },
};

const at = (path) => new URL(path, import.meta.url);

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** What solc makes of the source. A warning is an error: this code cannot be changed later. */
function compile(content) {
  const outputs = ['abi', 'evm.deployedBytecode', 'evm.methodIdentifiers', 'storageLayout'];
  const input = {
    language: 'Solidity',
    sources: { [SOURCE]: { content } },
    settings: { ...SETTINGS, outputSelection: { [SOURCE]: { [NAME]: outputs } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  if (output.errors?.length > 0) {
    fail(output.errors.map((error) => error.formattedMessage).join('\n'));
  }
  return output.contracts[SOURCE][NAME];
}

/** The code as genesis holds it. No constructor runs there, so nothing may be left to be filled in. */
function runtimeCode({ evm }) {
  const { object, immutableReferences, linkReferences } = evm.deployedBytecode;
  const open = [immutableReferences, linkReferences].some((places) => Object.keys(places ?? {}).length > 0);
  if (open || !/^([0-9a-f]{2})+$/.test(object)) {
    fail(`${SOURCE}: a predeploy can have neither immutable variables nor libraries`);
  }
  return `0x${object}`;
}

function artifacts() {
  const source = readFileSync(at(SOURCE), 'utf8');
  const contract = compile(source);
  const bytecode = runtimeCode(contract);
  const artifact = {
    contract: NAME,
    compiler: solc.version(),
    settings: SETTINGS,
    sourceSha256: createHash('sha256').update(source).digest('hex'),
    abi: contract.abi,
    methods: contract.evm.methodIdentifiers,
    storage: contract.storageLayout.storage.map(({ label, slot, offset }) => ({ label, slot, offset })),
    runtimeBytecode: bytecode,
  };
  return {
    [`artifacts/${NAME}.json`]: `${JSON.stringify(artifact, null, 2)}\n`,
    [`artifacts/${NAME}.hex`]: `${bytecode}\n`,
  };
}

function read(path) {
  try {
    return readFileSync(at(path), 'utf8');
  } catch {
    return '';
  }
}

const pinned = JSON.parse(read('package.json')).dependencies.solc;
if (!solc.version().startsWith(`${pinned}+`)) {
  fail(`solc is ${solc.version()}, pinned is ${pinned}: run npm ci`);
}

for (const [path, content] of Object.entries(artifacts())) {
  if (process.argv.includes('--check')) {
    if (read(path) !== content) {
      fail(`contracts/${path} is not what ${SOURCE} compiles to: run cargo xtask contracts and commit what it writes`);
    }
    console.log(`contracts/${path} is what ${SOURCE} compiles to (solc ${solc.version()})`);
  } else {
    writeFileSync(at(path), content);
    console.log(`wrote contracts/${path}`);
  }
}
