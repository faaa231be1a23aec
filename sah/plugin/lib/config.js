'use strict';

/**
 * What stands under `custom.sah`: its schema, its defaults, and a sentence for each mistake.
 *
 * @typedef {object} Config
 * @property {string} activeAliasName the alias that serves
 * @property {boolean} useActiveAliasInEvents whether triggers go to that alias
 * @property {boolean} makeLambdasActive whether a deploy moves that alias to the new version
 * @property {string[]} aliases further aliases; each deploy moves them to the new version
 * @property {string|null} projectUrl `<app>/api/projects/<id>`, or null when nothing is reported
 * @property {string|null} apiUrl `<app>/api`, or null
 * @property {string|null} token never printed
 */

const { idPart } = require('./aliases');

const ALIAS_NAME = /^(?![0-9]+$)[A-Za-z0-9_-]{1,128}$/;
/** What the project's page shows to copy, or the page's own address. */
const DEPLOYMENTS_URL = /^(.*?)(?:\/api)?\/projects\/([1-9][0-9]*)(?:\/deployments)?$/;

const DEFAULTS = Object.freeze({
  activeAliasName: 'ACTIVE',
  useActiveAliasInEvents: true,
  makeLambdasActive: true,
  aliases: [],
  sahUrl: null,
  sahProject: null,
  sahToken: null,
});

/** For the framework's own validation: names and types. What else may be wrong has a sentence below. */
const SCHEMA = {
  type: 'object',
  properties: {
    activeAliasName: { type: 'string' },
    useActiveAliasInEvents: { type: 'boolean' },
    makeLambdasActive: { type: 'boolean' },
    aliases: { type: 'array', items: { type: 'string' } },
    sahUrl: { type: ['string', 'null'] },
    sahProject: { anyOf: [{ type: 'integer' }, { type: 'string' }, { type: 'null' }] },
    sahToken: { type: ['string', 'null'] },
  },
  additionalProperties: false,
};

/**
 * Read `custom.sah` and say every mistake in it.
 *
 * @param {unknown} given what stands there, or undefined
 * @param {Record<string, string|undefined>} env where SAH_TOKEN may be
 * @returns {{config: Config, mistakes: string[]}} the config has defaults where there are mistakes
 */
function readConfig(given, env) {
  if (given === undefined || given === null) return { config: settle({}, env, []), mistakes: [] };
  if (typeof given !== 'object' || Array.isArray(given)) {
    return {
      config: settle({}, env, []),
      mistakes: ['custom.sah has to be a mapping of settings.'],
    };
  }
  const mistakes = [
    ...Object.keys(given)
      .filter((key) => !Object.hasOwn(DEFAULTS, key))
      .map(unknownKey),
    ...Object.entries(given).flatMap(([key, value]) =>
      Object.hasOwn(CHECKS, key) ? CHECKS[key](value, key) : [],
    ),
    ...checkTogether(given),
  ];
  return { config: settle(given, env, mistakes), mistakes };
}

const CHECKS = {
  activeAliasName: checkAlias,
  useActiveAliasInEvents: checkBoolean,
  makeLambdasActive: checkBoolean,
  aliases: checkAliases,
  sahUrl: checkUrl,
  sahProject: checkProject,
  sahToken: checkToken,
};

function unknownKey(key) {
  const names = Object.keys(DEFAULTS).join(', ');
  return `custom.sah.${key} is not a setting of SAH; the settings are ${names}.`;
}

function checkAlias(value, key) {
  if (typeof value === 'string' && ALIAS_NAME.test(value)) return [];
  return [
    `custom.sah.${key} has to be the name of a Lambda alias (letters, digits, - and _, not only ` +
      `digits, at most 128 characters), not ${show(value)}.`,
  ];
}

function checkAliases(value) {
  if (!Array.isArray(value)) return ['custom.sah.aliases has to be a list of alias names.'];
  const twice = value.filter((name, index) => value.indexOf(name) !== index);
  return [
    ...value.flatMap((name, index) => checkAlias(name, `aliases[${index}]`)),
    ...twice.map((name) => `custom.sah.aliases names ${show(name)} twice.`),
  ];
}

function checkBoolean(value, key) {
  if (typeof value === 'boolean') return [];
  return [`custom.sah.${key} has to be true or false, not ${show(value)}.`];
}

function checkUrl(value) {
  if (isUnset(value)) return [];
  if (parseUrl(value)) {
    const { username, password } = new URL(value);
    if (!username && !password) return [];
    return [
      'custom.sah.sahUrl holds a user or a password, which SAH has no use for; take it out, and ' +
        'put a token into SAH_TOKEN.',
    ];
  }
  return [
    'custom.sah.sahUrl has to be the address of SAH, such as https://sah.example.com, or the ' +
      `deployments address of a project (…/api/projects/3/deployments), not ${show(value)}.`,
  ];
}

function checkProject(value) {
  if (isUnset(value) || /^[1-9][0-9]*$/.test(String(value))) return [];
  return [`custom.sah.sahProject has to be the number of a project in SAH, not ${show(value)}.`];
}

function checkToken(value) {
  if (value === null || (typeof value === 'string' && /^[\x21-\x7e]*$/.test(value))) return [];
  return ['custom.sah.sahToken has to be a token of SAH: text without blanks or line breaks.'];
}

function checkTogether(given) {
  const mistakes = [];
  const active = given.activeAliasName ?? DEFAULTS.activeAliasName;
  if (Array.isArray(given.aliases) && given.aliases.includes(active)) {
    mistakes.push(`custom.sah.aliases names ${active}, which activeAliasName has already.`);
  }
  mistakes.push(...tooMuchAlike([active, ...[given.aliases ?? []].flat()]));
  const url = parseUrl(given.sahUrl);
  const named = url && DEPLOYMENTS_URL.exec(url);
  if (url && !named && !given.sahProject) {
    mistakes.push(
      'custom.sah.sahUrl names no project: set custom.sah.sahProject to the number of the project ' +
        'in SAH, or give the address that its page shows (…/api/projects/<number>/deployments).',
    );
  }
  if (named && given.sahProject && String(given.sahProject) !== named[2]) {
    mistakes.push(
      `custom.sah.sahUrl names project ${named[2]} and custom.sah.sahProject ${given.sahProject}: keep one.`,
    );
  }
  if (given.sahProject && given.sahUrl === undefined) {
    mistakes.push(
      'custom.sah.sahProject is set, but custom.sah.sahUrl, the address of SAH, is not.',
    );
  }
  return mistakes;
}

/** Aliases whose logical ids would be the same, or differ only in upper and lower case. */
function tooMuchAlike(given) {
  const names = [...new Set(given)].filter((name) => typeof name === 'string');
  const known = new Map();
  return names.flatMap((name) => {
    const id = idPart(name).toLowerCase();
    const other = known.get(id);
    known.set(id, name);
    if (other === undefined) return [];
    return [
      `custom.sah: the aliases ${show(other)} and ${show(name)} are too much alike: CloudFormation ` +
        'knows them by their letters and digits; rename one.',
    ];
  });
}

/** What `${env:SAH_URL, ''}` gives where reports are not wanted. */
function isUnset(value) {
  return value === null || value === '';
}

/** Give the address without its trailing slash and query, or null when it is none. */
function parseUrl(value) {
  if (typeof value !== 'string' || !/^https?:\/\//i.test(value)) return null;
  try {
    const url = new URL(value);
    return url.origin + url.pathname.replace(/\/+$/, '');
  } catch {
    return null;
  }
}

function settle(given, env, mistakes) {
  const whole = mistakes.length ? DEFAULTS : { ...DEFAULTS, ...given };
  const url = parseUrl(given.sahUrl);
  const named = url && DEPLOYMENTS_URL.exec(url);
  const app = named ? named[1] : url;
  const project = named ? named[2] : given.sahProject;
  return Object.freeze({
    activeAliasName: whole.activeAliasName,
    useActiveAliasInEvents: whole.useActiveAliasInEvents,
    makeLambdasActive: whole.makeLambdasActive,
    aliases: Object.freeze([...whole.aliases]),
    apiUrl: app ? `${app}/api` : null,
    projectUrl: app && project ? `${app}/api/projects/${project}` : null,
    token: given.sahToken || env.SAH_TOKEN?.trim() || null, // secrets of a CI often end a line
  });
}

function show(value) {
  const text = (JSON.stringify(value) ?? String(value)).replace(/\/\/[^/@]*@/, '//***@');
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

module.exports = { SCHEMA, readConfig };
