'use strict';

/** The plugin: which part of SAH acts at which moment of a deploy. */

const { SCHEMA, readConfig } = require('./lib/config');
const { addAliases, aimEvents, listFunctions } = require('./lib/aliases');
const { rewrite } = require('./lib/rewrite');
const { describeExceptions } = require('./lib/exceptions');

class SahPlugin {
  constructor(serverless, options, utils = {}) {
    this.serverless = serverless;
    this.options = options ?? {};
    this.log = utils.log ?? fallbackLog(serverless);
    this.findings = [];
    if (serverless.service.provider.name !== 'aws') return;
    this.provider = serverless.getProvider('aws');
    serverless.configSchemaHandler?.defineCustomProperties({
      type: 'object',
      properties: { sah: SCHEMA },
    });
    this.hooks = {
      'before:package:cleanup': () => this.validate(),
      'before:package:compileFunctions': () => this.aim(),
      'after:package:compileFunctions': () => this.alias(),
      'after:aws:package:finalize:mergeCustomProviderResources': () => this.finish(),
    };
  }

  get config() {
    return readConfig(this.serverless.service.custom?.sah, process.env).config;
  }

  get template() {
    return this.serverless.service.provider.compiledCloudFormationTemplate;
  }

  /** Refuse to package with mistakes under custom.sah, and say all of them. */
  validate() {
    const { mistakes } = readConfig(this.serverless.service.custom?.sah, process.env);
    if (mistakes.length) throw new this.serverless.classes.Error(mistakes.join('\n'), 'SAH_CONFIGURATION');
  }

  aim() {
    const { service } = this.serverless;
    const { naming } = this.provider;
    const { activeAliasName, useActiveAliasInEvents } = this.config;
    this.functions = listFunctions(service, naming, activeAliasName);
    if (useActiveAliasInEvents) aimEvents(service, naming, this.functions, activeAliasName);
  }

  alias() {
    addAliases(this.template, this.functions, this.config.aliases);
    for (const { key, alias } of this.functions) {
      if (!alias) delete this.serverless.service.getFunction(key).targetAlias;
    }
  }

  finish() {
    const found = rewrite(this.template, this.functions, this.config.useActiveAliasInEvents);
    this.findings = [...found, ...describeExceptions(this)];
    for (const { text } of this.findings) this.log.warning(`SAH: ${text}`);
  }
}

function fallbackLog(serverless) {
  const write = (text) => serverless.cli.log(text);
  return { notice: write, warning: write, error: write, info: () => {} };
}

module.exports = SahPlugin;
