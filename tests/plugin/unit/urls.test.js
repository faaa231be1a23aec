'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const SahPlugin = require('../../../sah/plugin');
const { findMovingUrls } = require('../../../sah/plugin/lib/urls');

const ALIAS = { name: 'ACTIVE', logicalId: 'x' };
const FUNCTIONS = [
  { key: 'old', name: 'shop-dev-old', alias: ALIAS },
  { key: 'moved', name: 'shop-dev-moved', alias: ALIAS },
  { key: 'none', name: 'shop-dev-none', alias: ALIAS },
  { key: 'left', name: 'shop-dev-left', alias: null },
];
const DEFINITIONS = { old: { url: true }, moved: { url: { cors: true } }, none: {} };
const ADDRESS = 'https://old.lambda-url.eu-west-1.on.aws/';

/** A Lambda in which only `old` has a URL without an alias. */
async function getUrl({ FunctionName: name }) {
  if (name === 'shop-dev-old') return { FunctionUrl: ADDRESS };
  throw new Error('ResourceNotFoundException');
}

test('knows which URLs a deploy replaces, and asks only of functions that have one', async () => {
  const asked = [];
  const moving = await findMovingUrls(
    FUNCTIONS,
    (key) => DEFINITIONS[key],
    (params) => {
      asked.push(params.FunctionName);
      return getUrl(params);
    },
  );
  assert.deepEqual(moving, [{ key: 'old', url: ADDRESS }]);
  assert.deepEqual(asked, ['shop-dev-old', 'shop-dev-moved']);
});

for (const [useActiveAliasInEvents, count] of [
  [true, 1],
  [false, 0],
]) {
  test(`warns before a deploy of ${count} URLs that it replaces`, async () => {
    const warnings = [];
    const provider = { request: (_, __, params) => getUrl(params) };
    const service = {
      provider: { name: 'aws' },
      custom: { sah: { useActiveAliasInEvents } },
      getFunction: (key) => DEFINITIONS[key],
    };
    const serverless = { service, getProvider: () => provider };
    const log = { notice: () => {}, warning: (text) => warnings.push(text) };
    const plugin = new SahPlugin(serverless, {}, { log });
    plugin.functions = FUNCTIONS;
    await plugin.hooks['before:aws:deploy:deploy:checkForChanges']();
    assert.equal(warnings.length, count);
    for (const text of warnings) assert.ok(text.includes(`nothing answers at ${ADDRESS}`), text);
  });
}
