// JSON-RPC as it is, without a library between.

/** One endpoint. */
export class Rpc {
  #url;
  #headers;
  #id = 0;

  /** `headers` makes further headers for each request, such as a token's. */
  constructor(url, headers = () => ({})) {
    this.#url = url;
    this.#headers = headers;
  }

  /** The whole answer: `{ result }` or `{ error }`. */
  async ask(method, params = []) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++this.#id, method, params });
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.#headers() },
      body,
      signal: AbortSignal.timeout(30_000),
    });
    const { result, error } = await response.json();
    return error === undefined ? { result } : { error };
  }

  /** The result; an error is thrown. */
  async call(method, params = []) {
    const { result, error } = await this.ask(method, params);
    if (error) throw new Error(`${method}: ${error.message} (${error.code})`);
    return result;
  }
}
