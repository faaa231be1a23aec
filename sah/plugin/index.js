'use strict';

/** The plugin: which part of SAH acts at which moment of a deploy. */

const { SCHEMA, readConfig } = require('./lib/config');
const {
  addAliases,
  aimEvents,
  listFunctions,
  listOtherFunctions,
  listTaken,
} = require('./lib/aliases');
const { describeExceptions } = require('./lib/exceptions');
const { findLate, printAll } = require('./lib/late');
const { rewrite } = require('./lib/rewrite');
const { findTwice } = require('./lib/twice');
const { COMMANDS } = require('./lib/usage');

/** Loaded at the first use: packaging does not wait for what only a deploy or a command needs. */
const later = {
  get api() {
    return require('./lib/api');
  },
  get aws() {
    return require('./lib/aws');
  },
  get commands() {
    return require('./lib/commands');
  },
  get live() {
    return require('./lib/live');
  },
  get report() {
    return require('./lib/report');
  },
  get urls() {
    return require('./lib/urls');
  },
};

class SahPlugin {
  /**
   * @param {any} serverless
   * @param {Record<string, any>} options of the command line
   * @param {{log?: any, writeText?: (text: string) => void}} [utils] from Serverless 3 on
   */
  constructor(serverless, options, utils = {}) {
    this.serverless = serverless;
    this.options = options ?? {};
    this.log = utils.log ?? plainLog(serverless);
    this.write = utils.writeText ?? console.log;
    this.functions = [];
    /** @type {import('./lib/rewrite').Finding[]} */
    this.findings = [];
    if (serverless.service.provider.name !== 'aws') return;
    this.provider = serverless.getProvider('aws');
    serverless.configSchemaHandler?.defineCustomProperties({
      type: 'object',
      properties: { sah: SCHEMA },
    });
    this.commands = COMMANDS;
    this.hooks = {
      'before:package:cleanup': () => this.validate(),
      'before:package:compileFunctions': () => this.aim(),
      'after:package:compileFunctions': () => this.alias(),
      'after:aws:package:finalize:mergeCustomProviderResources': () => this.finish(),
      'before:aws:deploy:deploy:checkForChanges': () => this.stay(),
      'after:deploy:deploy': () => this.tell('deploy'),
      'after:rollback:rollback': () => this.options.timestamp && this.tell('rollback'),
      'after:deploy:function:deploy': () => this.remind('deploy function'),
      'after:rollback:function:rollback': () => this.remind('rollback function'),
      'sah:status:status': () => this.talk('status'),
      'sah:rollback:rollback': () => this.talk('rollback'),
      'sah:check:check': () => this.check(),
      finalize: () => this.late(), // the end of every command
    };
  }

  get settings() {
    return readConfig(this.serverless.service.custom?.sah, process.env);
  }

  get config() {
    return this.settings.config;
  }

  get template() {
    return this.serverless.service.provider.compiledCloudFormationTemplate;
  }

  /** The parameters that the deploy passes to the template. */
  get parameters() {
    const listed = [this.serverless.service.provider.stackParameters ?? []].flat();
    return Object.fromEntries(
      listed.map((each) => [each?.ParameterKey, String(each?.ParameterValue ?? '')]),
    );
  }

  /** Refuse to go on with mistakes under custom.sah, and say all of them. */
  validate() {
    const { mistakes } = this.settings;
    if (mistakes.length) throw this.error(mistakes.join('\n'), 'SAH_CONFIGURATION');
    this.hideToken();
  }

  /** The framework writes all of custom to a file, and uploads it to the bucket of the deployments. */
  hideToken() {
    const given = this.serverless.service.custom?.sah;
    if (given?.sahToken) Object.defineProperty(given, 'sahToken', { enumerable: false });
  }

  /** Before the functions are compiled: their events go to the alias. */
  aim() {
    const { service } = this.serverless;
    const { activeAliasName, useActiveAliasInEvents } = this.config;
    this.findings = []; // a service may be packaged more than once
    this.functions = listFunctions(service, this.provider.naming, activeAliasName);
    if (useActiveAliasInEvents)
      aimEvents(service, this.provider.naming, this.functions, activeAliasName);
  }

  /** After the functions are compiled: the aliases themselves. */
  alias() {
    const { aliases } = this.config;
    const taken = listTaken(this.template, this.serverless.service, this.functions, aliases);
    if (taken.length) throw this.error(taken.join('\n'), 'SAH_LOGICAL_ID_TAKEN');
    addAliases(this.template, this.functions, aliases);
    for (const { key, alias } of this.functions) {
      if (!alias) delete this.serverless.service.getFunction(key).targetAlias;
    }
  }

  /** When the user's own resources are in the template: what is left. */
  async finish() {
    const { functions, parameters, template } = this;
    const { useActiveAliasInEvents } = this.config;
    functions.push(...listOtherFunctions(template.Resources, functions));
    const twice = this.twice();
    const sure = twice.filter((each) => each.sure).map((each) => each.text);
    if (sure.length) throw this.error(sure.join('\n'), 'SAH_ALIAS_TWICE');
    this.warn(twice.map(({ text }) => ({ level: 'left', text })));
    this.warn(rewrite(template, functions, useActiveAliasInEvents, parameters));
    this.warn(describeExceptions(this));
    this.seen = printAll(template);
    for (const { key, alias } of functions) {
      // What the framework writes of the service, it writes in a time that grows with the square.
      if (alias) delete this.serverless.service.getFunction(key).targetAlias;
    }
    if (this.config.makeLambdasActive || this.isCommand('sah check')) return;
    await this.pin().catch((error) => {
      if (!(error instanceof later.live.AliasUnknown)) throw error;
      this.log.warning(
        `SAH: ${error.message}. "serverless deploy" will ask again; the template as it is can be deployed by nothing else.`,
      );
    });
  }

  twice() {
    return findTwice(this.template, this.functions, this.config.aliases, this.parameters);
  }

  /** Say what was found, each once. */
  warn(findings) {
    for (const finding of findings) {
      if (this.findings.some((each) => each.text === finding.text)) continue;
      this.findings.push(finding);
      this.log.warning(`SAH: ${finding.text}`);
    }
  }

  /** When all is done or a deploy begins: what plugins that act later have added or changed. */
  late() {
    if (!this.seen || !this.config.useActiveAliasInEvents) return;
    const { functions, parameters, seen, template } = this;
    this.warn(this.twice().map(({ text }) => ({ level: 'left', text })));
    this.warn(findLate(template, seen, functions, parameters));
  }

  /** When a deploy begins: the aliases may have been moved since the service was packaged. */
  async stay() {
    this.late();
    await this.moveUrls();
    if (this.config.makeLambdasActive) return;
    const { kept, made } = await this.pin().catch((error) => {
      if (!(error instanceof later.live.AliasUnknown)) throw error;
      const why = 'With makeLambdasActive: false SAH never guesses, so nothing was deployed.';
      throw this.error(`${error.message}. ${why}`, 'SAH_ALIAS_UNKNOWN');
    });
    const name = this.config.activeAliasName;
    if (kept.length) {
      this.log.notice(
        `SAH: ${name} of ${listed(kept)} stays where it is (makeLambdasActive is false).`,
      );
    }
    if (made.length) {
      const begins = 'it begins on the version that this deploy publishes';
      this.log.warning(`SAH: ${listed(made)} had no alias ${name} yet; ${begins}.`);
    }
  }

  /** A function URL gets a new address once, when it goes to the alias. */
  async moveUrls() {
    if (!this.config.useActiveAliasInEvents) return;
    const { service } = this.serverless;
    const getUrl = (params) =>
      later.aws.ask(this.serverless, 'Lambda', 'getFunctionUrlConfig', params);
    const definitionOf = (key) => service.getFunction(key);
    const moving = await later.urls.findMovingUrls(this.functions, definitionOf, getUrl);
    for (const { key, url } of moving) {
      this.log.warning(
        `SAH: ${key} gets another function URL by this deploy, since a URL belongs to an alias: ` +
          `nothing answers at ${url} any more.`,
      );
    }
  }

  pin() {
    const getAlias = (params) => later.aws.ask(this.serverless, 'Lambda', 'getAlias', params);
    return later.live.pinAliases(this.template, this.config.activeAliasName, getAlias);
  }

  async tell(command) {
    const { config, mistakes } = this.settings;
    for (const mistake of mistakes) this.log.warning(`SAH: ${mistake}`);
    const api = config.token ? new later.api.Api(config.token) : null;
    await later.report.report(this.serverless, config, this.log, command, api);
  }

  remind(command) {
    const name = this.config.activeAliasName;
    this.log.warning(
      `SAH: "${command}" changes $LATEST only; the triggers stay on what ${name} serves until the next "deploy".`,
    );
  }

  /** Carry out a command that talks to the app; its exit status says whether it worked. */
  async talk(name) {
    const session = this.session();
    await later.commands[name](session).catch((error) => {
      throw this.error(error.message, 'SAH_COMMAND');
    });
  }

  /** Package, and fail when anything would stay on $LATEST. */
  async check() {
    await this.serverless.pluginManager.spawn('package');
    this.late(); // once more: other plugins may act at the same moment
    const left = this.findings.filter((each) => each.level === 'left');
    if (left.length) {
      const list = left.map((each) => `  ${each.text}`).join('\n');
      throw this.error(`This would stay on $LATEST:\n${list}`, 'SAH_LEFT_ON_LATEST');
    }
    this.write(`Nothing stays on $LATEST: every trigger goes to ${this.config.activeAliasName}.`);
  }

  /** What a command needs to talk to the app. */
  session() {
    this.validate();
    const { config, options } = this;
    if (!config.projectUrl)
      throw this.error(
        'Set custom.sah.sahUrl and custom.sah.sahProject first.',
        'SAH_CONFIGURATION',
      );
    if (!config.token)
      throw this.error(
        'There is no token: set SAH_TOKEN, or custom.sah.sahToken.',
        'SAH_CONFIGURATION',
      );
    const here = { stack: this.provider.naming.getStackName(), region: this.provider.getRegion() };
    return { api: new later.api.Api(config.token), config, here, options, write: this.write };
  }

  isCommand(name) {
    return this.serverless.processedInput?.commands?.join(' ') === name;
  }

  error(message, code) {
    return new this.serverless.classes.Error(message, code);
  }
}

function listed(names) {
  return names.length > 5 ? `${names.length} functions` : names.join(', ');
}

function plainLog(serverless) {
  const write = (text) => serverless.cli.log(text);
  return { notice: write, warning: write };
}

module.exports = SahPlugin;
