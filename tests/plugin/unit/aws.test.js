'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { ask, isNotFound } = require('../../../sah/plugin/lib/aws');

const PARAMS = { FunctionName: 'shop-hello', Name: 'ACTIVE' };

test('asks by the request of a framework of the third generation', async () => {
  const request = async (...given) => given;
  const serverless = { getProvider: () => ({ request }) };
  assert.deepEqual(await ask(serverless, 'Lambda', 'getAlias', PARAMS), [
    'Lambda',
    'getAlias',
    PARAMS,
  ]);
});

/** A folder in which a framework has an SDK of its own. */
function frameworkWithSdk() {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'framework-'));
  const sdk = path.join(root, 'node_modules', '@aws-sdk', 'client-lambda');
  fs.mkdirSync(sdk, { recursive: true });
  fs.mkdirSync(path.join(root, 'lib'));
  const code = `
    exports.LambdaClient = class { constructor(config) { this.config = config; }
      async send(command) { return { config: this.config, command: command.constructor.name, params: command.params }; } };
    exports.GetAliasCommand = class GetAliasCommand { constructor(params) { this.params = params; } };`;
  fs.writeFileSync(path.join(sdk, 'index.js'), code);
  return path.join(root, 'lib');
}

test("asks with the newest framework's own SDK, and never by its request", async () => {
  const config = { region: 'eu-west-1' };
  const provider = {
    getAwsSdkV3Config: async () => config,
    request: () => assert.fail('it throws from osls 4 on'),
  };
  const serverless = {
    getProvider: () => provider,
    config: { serverlessPath: frameworkWithSdk() },
  };
  const answer = await ask(serverless, 'Lambda', 'getAlias', PARAMS);
  assert.deepEqual(answer, { config, command: 'GetAliasCommand', params: PARAMS });
});

test('knows what is not there from what went wrong', () => {
  assert.equal(isNotFound({ name: 'ResourceNotFoundException' }), true);
  assert.equal(isNotFound({ name: 'AccessDeniedException' }), false);
  assert.equal(isNotFound(new Error('connect ECONNREFUSED')), false);
});
