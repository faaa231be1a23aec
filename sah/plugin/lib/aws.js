'use strict';

/** Ask AWS as the framework does: its credentials, its Region, its client, on each of its versions. */

const { createRequire } = require('node:module');
const path = require('node:path');

const AT_ONCE = 5; // Lambda answers 15 questions a second in an account

/**
 * Make one call.
 *
 * @param {any} serverless
 * @param {'Lambda'|'CloudFormation'} service
 * @param {string} method such as `getAlias`
 * @param {object} params
 * @returns {Promise<any>} what AWS answers
 */
async function ask(serverless, service, method, params) {
  const provider = serverless.getProvider('aws');
  // From osls 4 on `request` throws, and this is what its guide names instead.
  if (typeof provider.getAwsSdkV3Config !== 'function')
    return provider.request(service, method, params);
  const sdk = sdkOf(serverless, service);
  const client = new sdk[`${service}Client`](await provider.getAwsSdkV3Config());
  const Command = sdk[`${method[0].toUpperCase()}${method.slice(1)}Command`];
  return client.send(new Command(params));
}

/** The framework's own copy of the SDK, wherever it is installed. */
function sdkOf(serverless, service) {
  const framework = createRequire(path.join(serverless.config.serverlessPath, 'serverless.js'));
  return framework(`@aws-sdk/client-${service.toLowerCase()}`);
}

/** Say whether AWS answered that there is no such thing. */
function isNotFound(error) {
  const names = [error?.name, error?.code, error?.Code, error?.providerError?.code];
  return names.some((name) => /RESOURCE_?NOT_?FOUND/i.test(String(name)));
}

/** Do the same with many, a few at a time. */
async function mapBounded(items, work) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return results;
}

module.exports = { ask, isNotFound, mapBounded };
