// What the scenarios need, by web3.py: a Python process that does it (`python/wallet.py`), asked line by line.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** BigInt as it travels. */
const encode = (value) => JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? { $n: String(one) } : one));

function decode(value) {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== 'object' || value === null) return value;
  if ('$n' in value) return BigInt(value.$n);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, decode(one)]));
}

/** `python` can import web3. */
export const web3pyWallet = (python) => async (url) => {
  const script = fileURLToPath(new URL('../python/wallet.py', import.meta.url));
  const child = spawn(python, [script, url], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = new Map();
  let id = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = JSON.parse(line);
    const { resolve, reject } = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.error === undefined) resolve(decode(answer.value));
    else reject(Object.assign(new Error(answer.error), { found: answer.found }));
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${python} ended (${code})`));
  });
  const ask = (method, ...args) => new Promise((resolve, reject) => {
    id += 1;
    waiting.set(id, { resolve, reject });
    // What is left out at the end is left to the defaults over there.
    while (args.length > 0 && args.at(-1) === undefined) args.pop();
    child.stdin.write(`${encode({ id, method, args })}\n`);
  });
  const addresses = await ask('addresses');
  const asked = [
    'raw', 'chainId', 'blockNumber', 'block', 'balance', 'nonce', 'code', 'storage', 'gasPrice', 'tip', 'feeHistory', 'send',
    'sign', 'broadcast', 'authorize', 'estimate', 'transaction', 'deploy', 'encode', 'read', 'simulate',
    'estimateCall', 'write', 'events', 'heads',
  ];
  return {
    name: 'web3py',
    address: (index) => addresses[index],
    ...Object.fromEntries(asked.map((method) => [method, (...args) => ask(method, ...args)])),
    // Also called by map, with more than it takes.
    receipt: (hash) => ask('receipt', hash),
    watch: async (what, contract, name) => {
      const place = await ask('watch', what, contract, name);
      return { next: () => ask('watched', place), stop: () => ask('unwatch', place) };
    },
    classify: (error) => error.found ?? { kind: 'unknown', error },
    close: () => child.stdin.end(),
  };
};
