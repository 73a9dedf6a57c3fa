// Two answers, field by field, and the differences that are known.

import { readFileSync } from 'node:fs';

const shown = (value) => {
  const text = value === undefined ? '(absent)' : JSON.stringify(value);
  return text.length > 70 ? `${text.slice(0, 67)}...` : text;
};

/** How a difference is named where both refuse the same parameters: each side has its own words for what is wrong. */
export const WORDING = 'error.message (-32602)';

/** The places where two answers differ. */
export function compared(node, geth) {
  const found = differences(node, geth);
  const malformed = node?.error?.code === -32602 && geth?.error?.code === -32602;
  return found.map((one) => (malformed && one.path === 'error.message' ? { ...one, path: WORDING } : one));
}

/** The places where two answers differ, as `{ path, node, geth }`. Places in lists are written `[]`. */
export function differences(node, geth, path = '') {
  if (node === geth) return [];
  const isObject = (value) => typeof value === 'object' && value !== null;
  if (isObject(node) && isObject(geth) && Array.isArray(node) === Array.isArray(geth)) {
    if (Array.isArray(node) && node.length !== geth.length) {
      return [{ path: `${path}.length`, node: String(node.length), geth: String(geth.length) }];
    }
    const keys = [...new Set([...Object.keys(node), ...Object.keys(geth)])];
    const found = keys.flatMap((key) =>
      differences(node[key], geth[key], Array.isArray(node) ? `${path}[]` : `${path}${path && '.'}${key}`));
    const places = new Set();
    return found.filter(({ path: at }) => !places.has(at) && places.add(at));
  }
  return [{ path, node: shown(node), geth: shown(geth) }];
}

/**
 * The differences that a document lists, in the table between `<!-- differences -->` and `<!-- /differences -->`:
 * method, case, field, reason. `*` stands for any run of characters. A case may end in `(sometimes)`.
 */
export class Known {
  #rows;

  constructor(file) {
    const text = readFileSync(file, 'utf8');
    const table = /<!-- differences -->([\s\S]*?)<!-- \/differences -->/.exec(text)?.[1];
    if (!table) throw new Error(`${file} has no table of differences`);
    const lines = table.split('\n').filter((line) => line.startsWith('|')).slice(2);
    this.#rows = lines.map((line) => {
      const [method, title, path, reason] = line.split(/(?<!\\)\|/).slice(1, 5).map((cell) => cell.trim().replaceAll('`', ''));
      if (!reason) throw new Error(`a difference without a reason: ${line}`);
      const sometimes = title.endsWith('(sometimes)');
      const pattern = (text_) => new RegExp(`^${text_.split('*').map((part) =>
        part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
      return {
        line, sometimes, seen: false,
        patterns: [method, title.replace(/ *\(sometimes\)$/, ''), path].map(pattern),
      };
    });
  }

  /** Whether it is listed. */
  knows(method, title, path) {
    const found = this.#rows.filter(({ patterns }) =>
      [method, title, path].every((text, i) => patterns[i].test(text)));
    for (const row of found) row.seen = true;
    return found.length > 0;
  }

  /** What is listed and was not seen. */
  stale() {
    return this.#rows.filter((row) => !row.seen && !row.sometimes).map((row) => row.line);
  }
}
