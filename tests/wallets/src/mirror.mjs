// An execution client that follows a node block by block: the same blocks in both, so that their answers can be
// compared to the last byte.

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Rpc } from './rpc.mjs';

const NO_BLOCK = `0x${'00'.repeat(32)}`;

/** A token as the Engine API wants it: HS256, made a moment ago. */
function token(secret) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ iat: Math.floor(Date.now() / 1000) })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

export class Mirror {
  #node;
  #engine;
  #client;

  /** `raw` finds the encoded transactions of a block of `node`. */
  constructor(node, client, engineUrl, secretFile) {
    const secret = Buffer.from(readFileSync(secretFile, 'utf8').trim().replace(/^0x/, ''), 'hex');
    this.#node = node;
    this.#client = client;
    this.#engine = new Rpc(engineUrl, () => ({ authorization: `Bearer ${token(secret)}` }));
  }

  /** The node's head, safe and finalized block. A new head comes first, and is safe a moment later. */
  async #stands() {
    const at = async (tag) => this.#node.call('eth_getBlockByNumber', [tag, false]);
    return Promise.all(['latest', 'safe', 'finalized'].map(at));
  }

  /** Where the node stands, as one text. */
  async place() {
    return (await this.#stands()).map((block) => block.hash).join();
  }

  /** Gives the client the blocks that it does not have, and the node's head, safe and finalized block. Returns the
   *  place that both have then. */
  async sync() {
    const [head, safe, finalized] = await this.#stands();
    const have = Number(await this.#client.call('eth_blockNumber'));
    for (let number = have + 1; number <= Number(head.number); number += 1) {
      await this.#import(number);
    }
    const [head_, safe_, final_] = [head, safe, finalized].map((block) => block.hash);
    const state = { headBlockHash: head_, safeBlockHash: safe_ ?? NO_BLOCK, finalizedBlockHash: final_ ?? NO_BLOCK };
    const { payloadStatus } = await this.#engine.call('engine_forkchoiceUpdatedV3', [state, null]);
    if (payloadStatus.status !== 'VALID') throw new Error(`the head is ${JSON.stringify(payloadStatus)}`);
    return [head_, safe_, final_].join();
  }

  async #import(number) {
    const at = `0x${number.toString(16)}`;
    const block = await this.#node.call('eth_getBlockByNumber', [at, false]);
    const transactions = await Promise.all(block.transactions.map(async (hash) => {
      const raw = await this.#node.call('eth_getRawTransactionByHash', [hash]);
      if (!raw) throw new Error(`no encoding of ${hash} in block ${number}`);
      return raw;
    }));
    const payload = {
      parentHash: block.parentHash,
      feeRecipient: block.miner,
      stateRoot: block.stateRoot,
      receiptsRoot: block.receiptsRoot,
      logsBloom: block.logsBloom,
      prevRandao: block.mixHash,
      blockNumber: block.number,
      gasLimit: block.gasLimit,
      gasUsed: block.gasUsed,
      timestamp: block.timestamp,
      extraData: block.extraData,
      baseFeePerGas: block.baseFeePerGas,
      blockHash: block.hash,
      transactions,
      withdrawals: block.withdrawals,
      blobGasUsed: block.blobGasUsed,
      excessBlobGas: block.excessBlobGas,
    };
    const status = await this.#engine.call('engine_newPayloadV4', [payload, [], block.parentBeaconBlockRoot, []]);
    if (status.status !== 'VALID') throw new Error(`block ${number} is ${JSON.stringify(status)}`);
  }
}
