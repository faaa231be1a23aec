'use strict';

/**
 * Package many services with one framework in one process, as its command line would.
 *
 * Reads `{framework, services: [{name, folder, configuration}]}` from standard input, and writes a
 * line of JSON for each service: `{name, template, warnings, seconds}`, or `error` for the template.
 */

const fs = require('node:fs');
const path = require('node:path');

const HANDLER = "exports.hello = async () => ({ statusCode: 200, body: 'hello' });\n";
const TEMPLATE = '.serverless/cloudformation-template-update-stack.json';

async function main() {
  const { framework, services } = JSON.parse(fs.readFileSync(0, 'utf8'));
  const manifest = require.resolve(`${framework}/package.json`, {
    paths: [path.join(__dirname, '..')],
  });
  const Serverless = require(path.join(path.dirname(manifest), 'lib/serverless.js'));
  const emitter = require(require.resolve('log/lib/emitter', { paths: [path.dirname(manifest)] }));
  let warnings = [];
  emitter.on('log', ({ logger, messageTokens }) => {
    if (logger.level === 'warning') warnings.push(messageTokens.join(' '));
  });
  for (const service of services) {
    warnings = [];
    const begun = performance.now();
    const result = await packageOne(Serverless, service).catch((error) => ({
      error: error.message,
    }));
    const line = {
      name: service.name,
      seconds: (performance.now() - begun) / 1000,
      warnings,
      ...result,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

async function packageOne(Serverless, { folder, configuration }) {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'handler.js'), HANDLER);
  fs.writeFileSync(path.join(folder, 'serverless.yml'), JSON.stringify(configuration));
  process.chdir(folder);
  const serverless = new Serverless({
    configuration,
    serviceDir: folder,
    configurationFilename: 'serverless.yml',
    commands: ['package'],
    options: {},
    variablesMeta: new Map(),
  });
  await serverless.init();
  await serverless.run();
  return { template: JSON.parse(fs.readFileSync(path.join(folder, TEMPLATE), 'utf8')) };
}

main();
