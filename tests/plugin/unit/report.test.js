'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const { Api } = require('../../../sah/plugin/lib/api');
const { report } = require('../../../sah/plugin/lib/report');
const { version } = require('../../../sah/plugin/package.json');
const { memoryLog, withSah } = require('./fake-sah');

const api = () => new Api('sah_secret', { backoff: [1, 1] });

/** A framework of the third generation, which asks AWS by `request`. */
function frameworkOf(request) {
  const provider = {
    request,
    naming: { getStackName: () => 'shop-prod' },
    getStage: () => 'prod',
    getRegion: () => 'eu-west-1',
  };
  return {
    version: '3.99.0',
    serviceDir: path.join(__dirname),
    config: { serverlessPath: '/nowhere/lib' },
    service: { service: 'shop' },
    getProvider: () => provider,
  };
}

const known = async () => ({
  Stacks: [{ StackId: 'arn:aws:cloudformation:eu-west-1:1:stack/shop-prod/a' }],
});

test('tells what was deployed, and prints the number and the page', async () => {
  await withSah(
    () => ({ status: 201, body: { number: 41, url: 'http://sah/projects/3/deployments/41' } }),
    async (url, asked) => {
      const log = memoryLog();
      await report(
        frameworkOf(known),
        { projectUrl: `${url}/api/projects/3` },
        log,
        'deploy',
        api(),
      );
      assert.deepEqual(log.said, [
        'SAH: deployment #41 was recorded: http://sah/projects/3/deployments/41',
      ]);
      const [{ url: at, body, headers }] = asked;
      assert.equal(at, '/api/projects/3/deployments');
      assert.match(headers['idempotency-key'], /^[0-9a-f-]{36}$/);
      const {
        service,
        stage,
        region,
        stack_id: stack,
        plugin_version: plugin,
        framework_version: framework,
        command,
      } = body;
      assert.deepEqual([service, stage, region, command], ['shop', 'prod', 'eu-west-1', 'deploy']);
      assert.equal(stack, 'arn:aws:cloudformation:eu-west-1:1:stack/shop-prod/a');
      assert.deepEqual([plugin, framework], [version, '3.99.0']);
    },
  );
});

test('says which alias serves, and prints what the app warns of', async () => {
  const warnings = ["The service's triggers go to the alias LIVE, and this project moves ACTIVE."];
  await withSah(
    () => ({ status: 201, body: { number: 41, warnings } }),
    async (url, asked) => {
      const log = memoryLog();
      const config = { projectUrl: url, activeAliasName: 'LIVE', useActiveAliasInEvents: true };
      await report(frameworkOf(known), config, log, 'deploy', api());
      assert.equal(asked[0].body.alias, 'LIVE');
      assert.deepEqual(log.said, [
        'SAH: deployment #41 was recorded.',
        `Warning: SAH: ${warnings[0]}`,
      ]);
    },
  );
});

test('names no alias when the triggers go to none', async () => {
  await withSah(
    () => ({ status: 201, body: { number: 41 } }),
    async (url, asked) => {
      const config = { projectUrl: url, activeAliasName: 'LIVE', useActiveAliasInEvents: false };
      await report(frameworkOf(known), config, memoryLog(), 'deploy', api());
      assert.equal(asked[0].body.alias, undefined);
    },
  );
});

test('is sent without the stack when AWS does not answer', async () => {
  await withSah(
    () => ({ status: 201, body: { number: 2 } }),
    async (url, asked) => {
      const refuse = async () => Promise.reject(new Error('AccessDenied'));
      await report(frameworkOf(refuse), { projectUrl: url }, memoryLog(), 'rollback', api());
      assert.equal(asked[0].body.stack_id, undefined);
      assert.equal(asked[0].body.command, 'rollback');
    },
  );
});

test('understands an app that answers with nothing but that it is fine', async () => {
  await withSah(
    () => ({ status: 201, body: {} }),
    async (url) => {
      const log = memoryLog();
      await report(frameworkOf(known), { projectUrl: url }, log, 'deploy', api());
      assert.deepEqual(log.said, ['SAH: the deployment was recorded.']);
    },
  );
});

for (const [what, answer] of Object.entries({
  'a refused token': { status: 401, body: { error: { message: 'No such token sah_secret.' } } },
  'a broken app': { status: 500, text: 'Traceback' },
  'a page instead of an answer': { text: '<html>' },
})) {
  test(`warns of ${what} without failing, and without the token`, async () => {
    await withSah(
      () => answer,
      async (url) => {
        const log = memoryLog();
        await report(frameworkOf(known), { projectUrl: url }, log, 'deploy', api());
        assert.equal(log.said.length, 1);
        assert.match(
          log.said[0],
          /^Warning: SAH was not told of this deploy: .*[^.?](\.|\?) The deploy itself is done\.$/,
        );
        assert.doesNotMatch(log.said[0], /sah_secret/);
      },
    );
  });
}

test('warns when there is no token', async () => {
  const log = memoryLog();
  await report(
    frameworkOf(known),
    { projectUrl: 'http://sah/api/projects/3' },
    log,
    'deploy',
    null,
  );
  assert.match(log.said[0], /there is no token\. Set SAH_TOKEN/);
});

test('says nothing where SAH is not configured', async () => {
  const log = memoryLog();
  await report(frameworkOf(known), { projectUrl: null }, log, 'deploy', null);
  assert.deepEqual(log.said, []);
});
