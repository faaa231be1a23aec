'use strict';

/** Tell the app of a deploy. Whatever goes wrong is a warning: the deploy is done. */

const { randomUUID } = require('node:crypto');
const path = require('node:path');
const { ask } = require('./aws');
const { describeBuild } = require('./build');
const { version } = require('../package.json');

const STACK_TIMEOUT_MS = 5000;

/**
 * Report a deploy or a rollback of the framework.
 *
 * @param {any} serverless
 * @param {import('./config').Config} config
 * @param {any} log
 * @param {'deploy'|'rollback'} command
 * @param {import('./api').Api|null} api null when there is no token
 */
async function report(serverless, config, log, command, api) {
  if (!config.projectUrl) return;
  if (!api) {
    log.warning(
      'SAH was not told of this deploy: there is no token. Set SAH_TOKEN, or custom.sah.sahToken.',
    );
    return;
  }
  try {
    const body = await describe(serverless, command, process.env, config);
    const made = await api.postSafely(`${config.projectUrl}/deployments`, body, randomUUID());
    log.notice(`SAH: ${lineFor(made)}`);
    for (const text of [made.warnings ?? []].flat()) log.warning(`SAH: ${text}`);
  } catch (error) {
    const why = error.message.replace(/(?<![.?])$/, '.'); // the app's own sentences end with one
    log.warning(`SAH was not told of this deploy: ${why} The deploy itself is done.`);
  }
}

function lineFor({ number, url }) {
  if (!number) return 'the deployment was recorded.';
  return `deployment #${number} was recorded${url ? `: ${url}` : '.'}`;
}

/** Everything that the app wants to know about this deploy, as far as it is known. */
async function describe(serverless, command, env, config) {
  const provider = serverless.getProvider('aws');
  const [build, stackId] = await Promise.all([
    describeBuild(env, serverless.serviceDir ?? serverless.config.servicePath ?? '.'),
    findStackId(serverless, provider),
  ]);
  return {
    ...build,
    ...(stackId && { stack_id: stackId }),
    service: serverless.service.service,
    stage: provider.getStage(),
    region: provider.getRegion(),
    plugin_version: version,
    framework_version: frameworkOf(serverless),
    command,
    alias: config.useActiveAliasInEvents ? config.activeAliasName : undefined,
  };
}

async function findStackId(serverless, provider) {
  const params = { StackName: provider.naming.getStackName() };
  const asked = ask(serverless, 'CloudFormation', 'describeStacks', params).then(
    (answer) => answer.Stacks?.[0]?.StackId,
    () => undefined, // a report without it is better than none
  );
  let clock;
  const late = new Promise((resolve) => {
    clock = setTimeout(resolve, STACK_TIMEOUT_MS);
  });
  return Promise.race([asked, late]).finally(() => clearTimeout(clock));
}

function frameworkOf(serverless) {
  try {
    const { name } = require(path.join(serverless.config.serverlessPath, '..', 'package.json'));
    return `${name} ${serverless.version}`;
  } catch {
    return String(serverless.version);
  }
}

module.exports = { describe, report };
