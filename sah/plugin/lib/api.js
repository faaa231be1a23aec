'use strict';

/** Talk to the app's JSON API. */

const http = require('node:http');
const https = require('node:https');
const { findProxy, through } = require('./proxy');

const TIMEOUT_MS = 5000;
const BACKOFF_MS = [500, 2000];
const LONGEST_WAIT_MS = 10_000;
const LARGEST_ANSWER = 10 * 1024 * 1024;
const LONGEST_SENTENCE = 1000;

/** A sentence for the person at the terminal; it never holds the token. */
class ApiError extends Error {
  /** @param {string} message @param {{status?: number, passing?: boolean, wait?: number}} [more] */
  constructor(message, { status, passing = false, wait } = {}) {
    super(message);
    Object.assign(this, { status, passing, wait });
  }
}

class Api {
  /**
   * @param {string} token
   * @param {{timeout?: number, backoff?: number[]}} [options] in milliseconds
   */
  constructor(token, { timeout = TIMEOUT_MS, backoff = BACKOFF_MS } = {}) {
    this.token = token;
    this.timeout = timeout;
    this.backoff = backoff;
  }

  get(url) {
    return this.persistently('GET', url);
  }

  /** Post once: what happens when it is posted twice is not known. */
  post(url, body) {
    return this.once('POST', url, body, {});
  }

  /** Post again when it fails for a passing reason; the key makes it the same request. */
  postSafely(url, body, key) {
    return this.persistently('POST', url, body, { 'Idempotency-Key': key });
  }

  /** Read all pages of a list. */
  async list(url) {
    const items = [];
    let cursor = null;
    do {
      const page = await this.get(
        `${url}?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      );
      items.push(...(page.items ?? []));
      cursor = page.next_cursor;
    } while (cursor);
    return items;
  }

  async persistently(method, url, body, headers = {}) {
    for (const wait of this.backoff) {
      try {
        return await this.once(method, url, body, headers);
      } catch (error) {
        if (!error.passing) throw error;
        await sleep(Math.min(error.wait ?? wait, LONGEST_WAIT_MS));
      }
    }
    return this.once(method, url, body, headers);
  }

  async once(method, url, body, headers) {
    if (!/^[\x21-\x7e]+$/.test(this.token))
      throw new ApiError('the token has blanks or signs in it that no token of SAH has');
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const answer = await exchange(method, new URL(url), sent, this.timeout, {
      Accept: 'application/json',
      Authorization: `Bearer ${this.token}`,
      ...(sent && {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(sent),
      }),
      ...headers,
    });
    return this.read(answer, url);
  }

  read({ status, headers, text }, url) {
    const body = parse(text);
    if (status >= 200 && status < 300) {
      if (body) return body;
      throw new ApiError(
        `${new URL(url).origin} does not answer as SAH does: is custom.sah.sahUrl right?`,
        { status },
      );
    }
    if (status >= 300 && status < 400) {
      throw new ApiError(this.blank(movedText(status, headers.location, url)), { status });
    }
    const wait = Number(headers['retry-after']) * 1000 || undefined;
    const passing = status === 429 || status >= 500;
    throw new ApiError(this.blank(sentence(status, body, url)), { status, passing, wait });
  }

  blank(text) {
    return text.replaceAll(this.token, '***');
  }
}

function movedText(status, location, url) {
  if (!location) return `SAH answered ${status}`;
  const [where] = new URL(location, url).href.split('?');
  return `SAH answered that it is at ${where}: is custom.sah.sahUrl right?`;
}

function sentence(status, body, url) {
  const said = [body?.error?.message, body?.error?.hint].filter((each) => typeof each === 'string');
  const text = said.join(' ').replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
  if (text) return `SAH answered ${status}: ${text.slice(0, LONGEST_SENTENCE)}`;
  if (status === 401) return 'SAH answered 401: it does not accept the token';
  if (body) return `SAH answered ${status}`;
  return `${new URL(url).origin} answered ${status}, and not as SAH does: something in between may have`;
}

function parse(text) {
  try {
    const body = JSON.parse(text);
    return typeof body === 'object' ? body : null;
  } catch {
    return null;
  }
}

/** Send one request, through a proxy if there is one. */
async function exchange(method, url, sent, timeout, headers) {
  try {
    const proxy = findProxy(url, process.env);
    const { more, ...way } = proxy ? await through(url, proxy, timeout) : {};
    const options = { ...way, method, headers: { ...headers, ...more }, agent: false };
    return await request(url, options, sent, timeout);
  } catch (error) {
    const passing = !BAD_CERTIFICATE.test(error.code);
    throw new ApiError(`${url.origin} cannot be reached: ${inWords(error)}`, { passing });
  }
}

/** Send it and read the whole answer, within a time that covers both. */
function request(url, options, sent, timeout) {
  return new Promise((resolve, reject) => {
    const { request: begin } = url.protocol === 'https:' ? https : http;
    const out = begin(url, options, (answer) => {
      const chunks = [];
      let size = 0;
      answer.on('data', (chunk) => {
        size += chunk.length;
        if (size > LARGEST_ANSWER) return out.destroy(new Error('its answer is too large'));
        return chunks.push(chunk);
      });
      answer.on('error', fail);
      answer.on('end', () => {
        clearTimeout(clock);
        resolve({
          status: answer.statusCode,
          headers: answer.headers,
          text: Buffer.concat(chunks).toString(),
        });
      });
    });
    const clock = setTimeout(
      () => out.destroy(new Error(`no answer in ${timeout / 1000} s`)),
      timeout,
    );
    out.on('error', fail);
    out.end(sent);

    function fail(error) {
      clearTimeout(clock);
      reject(error);
    }
  });
}

const BAD_CERTIFICATE = /CERT|SIGNATURE/;
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;

/** OpenSSL's errors are a line of its source code. */
function inWords({ code, message }) {
  if (code === 'EPROTO') return 'it does not speak https as expected; is it http:// perhaps?';
  const text = (message || String(code)).split('\n')[0].trim();
  if (!UNTRUSTED.test(code)) return text;
  return `its certificate is not trusted (${text}); name the file of its authority in NODE_EXTRA_CA_CERTS`;
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

module.exports = { Api, ApiError, sleep };
