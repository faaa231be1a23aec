'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const SahPlugin = require('../../../sah/plugin');

/** A framework that has only what the plugin asks of it at the start. */
function loaded(provider, custom = {}) {
  const warnings = [];
  const service = { provider: { name: provider }, custom };
  const log = { notice: () => {}, warning: (text) => warnings.push(text) };
  return { plugin: new SahPlugin({ service, getProvider: () => ({}) }, {}, { log }), warnings };
}

for (const command of ['deploy function', 'rollback function']) {
  test(`reminds after "${command}" of what it does not change`, () => {
    const { plugin, warnings } = loaded('aws', { sah: { activeAliasName: 'live' } });
    const [event, part] = command.split(' ');
    plugin.hooks[`after:${event}:${part}:${event}`]();
    assert.deepEqual(warnings, [
      `SAH: "${command}" changes $LATEST only; the triggers stay on what live serves until the next "deploy".`,
    ]);
  });
}

test('keeps a token out of what the framework writes of the service, and uses it all the same', () => {
  const custom = { sah: { sahToken: 'sah_secret', activeAliasName: 'LIVE' } };
  const { plugin } = loaded('aws', custom);
  plugin.hooks['before:package:cleanup']();
  plugin.hooks['before:package:cleanup'](); // a service may be packaged more than once
  assert.equal(JSON.stringify(custom), '{"sah":{"activeAliasName":"LIVE"}}');
  assert.equal(plugin.config.token, 'sah_secret');
  assert.equal(plugin.config.activeAliasName, 'LIVE');
});

test('does nothing for another cloud', () => {
  const { plugin } = loaded('google');
  assert.equal(plugin.hooks, undefined);
  assert.equal(plugin.commands, undefined);
});
