'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { test } = require('node:test');
const { Api } = require('../../../sah/plugin/lib/api');
const { findProxy } = require('../../../sah/plugin/lib/proxy');
const { withSah } = require('./fake-sah');

const PROXY = 'http://proxy:3128';
const WAYS = [
  ['https://sah.example.com', { https_proxy: PROXY }, true],
  ['https://sah.example.com', { HTTPS_PROXY: PROXY }, true],
  ['https://sah.example.com', { HTTPS_PROXY: 'proxy:3128' }, true],
  ['https://sah.example.com', { all_proxy: PROXY }, true],
  ['https://sah.example.com', { HTTP_PROXY: PROXY }, false],
  ['http://sah.example.com', { HTTP_PROXY: PROXY }, true],
  ['http://sah.example.com', { HTTPS_PROXY: PROXY }, false],
  ['https://sah.example.com', {}, false],
  ['https://localhost', { HTTPS_PROXY: PROXY }, false],
  ['http://127.0.0.1:8000', { HTTP_PROXY: PROXY }, false],
  ['http://[::1]:8000', { HTTP_PROXY: PROXY }, false],
];
const EXEMPT = [
  ['*', true],
  ['sah.example.com', true],
  ['example.com', true],
  ['other, .example.com', true],
  ['*.example.com', true],
  ['sah.example.com:443', true],
  ['sah.example.com:8000', false],
  ['ample.com', false],
  [',', false],
];

for (const [address, env, isUsed] of WAYS) {
  test(`goes to ${address} ${isUsed ? 'through' : 'without'} ${JSON.stringify(env)}`, () => {
    const found = findProxy(new URL(address), env);
    assert.equal(found?.href, isUsed ? `${PROXY}/` : undefined);
  });
}

for (const [list, isExempt] of EXEMPT) {
  test(`${isExempt ? 'needs no' : 'needs a'} proxy where NO_PROXY is ${list}`, () => {
    const env = { HTTPS_PROXY: PROXY, NO_PROXY: list };
    assert.equal(findProxy(new URL('https://sah.example.com'), env) === null, isExempt);
  });
}

test('says that the address of a proxy is none', () => {
  const find = () => findProxy(new URL('https://sah'), { HTTPS_PROXY: 'http://secret:[' });
  assert.throws(find, { message: 'the address of the proxy in the environment is none' });
});

/** Ask an address through a proxy that answers so. */
async function ask(address, onConnect, env) {
  const seen = [];
  const proxy = http.createServer((request, response) => {
    seen.push([request.method, request.url, request.headers]);
    response.end('{"number": 7}');
  });
  proxy.on('connect', (request, socket) => {
    seen.push([request.method, request.url, request.headers]);
    onConnect(socket);
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const before = { ...process.env };
  Object.assign(process.env, env(`127.0.0.1:${proxy.address().port}`));
  try {
    const answer = await new Api('sah_secret', { backoff: [] })
      .get(address)
      .catch((error) => error);
    return { answer, seen };
  } finally {
    process.env = before;
    proxy.closeAllConnections();
    proxy.close();
  }
}

test('asks a proxy for an address without TLS, with its password', async () => {
  const { answer, seen } = await ask('http://sah.test/api', null, (at) => ({
    HTTP_PROXY: `http://ada:p%40ss@${at}`,
  }));
  assert.deepEqual(answer, { number: 7 });
  const [[method, url, headers]] = seen;
  assert.deepEqual([method, url, headers.host], ['GET', 'http://sah.test/api', 'sah.test']);
  assert.equal(headers['proxy-authorization'], `Basic ${btoa('ada:p@ss')}`);
  assert.equal(headers.authorization, 'Bearer sah_secret');
});

test('never shows the token to a proxy on the way to an address with TLS', async () => {
  const text = 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n';
  const { answer, seen } = await ask(
    'https://sah.test/api',
    (socket) => socket.end(text),
    (at) => ({
      HTTPS_PROXY: at,
    }),
  );
  assert.equal(answer.message, 'https://sah.test cannot be reached: the proxy answered 407');
  const [[method, url, headers]] = seen;
  assert.deepEqual([method, url, headers.authorization], ['CONNECT', 'sah.test:443', undefined]);
});

test('speaks TLS with what is behind the tunnel', async () => {
  await withSah(
    () => ({ body: {} }),
    async (url, asked) => {
      const connect = (socket) => {
        const inner = require('node:net').connect(Number(new URL(url).port), '127.0.0.1');
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(inner).pipe(socket);
      };
      const env = (at) => ({ HTTPS_PROXY: `http://${at}` });
      const { answer } = await ask('https://sah.test/api', connect, env);
      assert.match(answer.message, /it does not speak https as expected/);
      assert.equal(asked.length, 0);
    },
  );
});

test('says which proxies it cannot use', async () => {
  const { answer } = await ask('https://sah.test', null, () => ({ HTTPS_PROXY: 'socks5://proxy' }));
  assert.equal(
    answer.message,
    'https://sah.test cannot be reached: a proxy by socks5:// cannot be used',
  );
});
