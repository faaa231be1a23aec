'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { readConfig } = require('../../../sah/plugin/lib/config');

const read = (given, env = {}) => readConfig(given, env);

test('needs no configuration at all', () => {
  const { config, mistakes } = read(undefined);
  assert.deepEqual(mistakes, []);
  assert.deepEqual(config, {
    activeAliasName: 'ACTIVE',
    useActiveAliasInEvents: true,
    makeLambdasActive: true,
    aliases: [],
    apiUrl: null,
    projectUrl: null,
    token: null,
  });
});

const ADDRESSES = [
  [
    { sahUrl: 'https://sah.example.com', sahProject: 3 },
    'https://sah.example.com/api',
    '/projects/3',
  ],
  [
    { sahUrl: 'https://sah.example.com/', sahProject: '3' },
    'https://sah.example.com/api',
    '/projects/3',
  ],
  [
    { sahUrl: 'https://example.com/sah', sahProject: 3 },
    'https://example.com/sah/api',
    '/projects/3',
  ],
  [
    { sahUrl: 'http://sah:8000/api/projects/12/deployments' },
    'http://sah:8000/api',
    '/projects/12',
  ],
  [
    { sahUrl: 'http://sah:8000/api/projects/12', sahProject: 12 },
    'http://sah:8000/api',
    '/projects/12',
  ],
  [
    { sahUrl: 'https://example.com/sah/projects/12/' },
    'https://example.com/sah/api',
    '/projects/12',
  ],
];

for (const [given, api, project] of ADDRESSES) {
  test(`understands ${JSON.stringify(given)}`, () => {
    const { config, mistakes } = read(given);
    assert.deepEqual(mistakes, []);
    assert.equal(config.apiUrl, api);
    assert.equal(config.projectUrl, api + project);
  });
}

const MISTAKES = [
  ['nonsense', /custom\.sah has to be a mapping/],
  [
    { activeAlias: 'x' },
    /custom\.sah\.activeAlias is not a setting of SAH; the settings are activeAliasName/,
  ],
  [{ toString: 1 }, /^custom\.sah\.toString is not a setting of SAH/],
  [{ activeAliasName: '7' }, /activeAliasName has to be the name of a Lambda alias .* not "7"/],
  [{ activeAliasName: '$LATEST' }, /activeAliasName has to be/],
  [{ useActiveAliasInEvents: 'yes' }, /useActiveAliasInEvents has to be true or false, not "yes"/],
  [{ makeLambdasActive: 1 }, /makeLambdasActive has to be true or false/],
  [{ aliases: 'A' }, /aliases has to be a list/],
  [{ aliases: ['a b'] }, /aliases\[0\] has to be the name/],
  [{ aliases: ['A', 'A'] }, /aliases names "A" twice/],
  [{ aliases: ['a-b', 'aDashb'] }, /the aliases "a-b" and "aDashb" are too much alike/],
  [{ aliases: ['a_b', 'aunderscoreB'] }, /the aliases "a_b" and "aunderscoreB" are too much alike/],
  [{ aliases: ['Active'] }, /the aliases "ACTIVE" and "Active" are too much alike/],
  [{ aliases: ['ACTIVE'] }, /names ACTIVE, which activeAliasName has already/],
  [
    { sahUrl: 'https://ada:secret@sah.example.com', sahProject: 3 },
    /^custom\.sah\.sahUrl holds a user or a password(?!.*secret)/,
  ],
  [{ sahUrl: 'ftp://ada:secret@sah', sahProject: 3 }, /not "ftp:\/\/\*\*\*@sah"\.$/],
  [{ sahUrl: 'sah.example.com', sahProject: 3 }, /sahUrl has to be the address of SAH/],
  [{ sahUrl: 'https://sah.example.com' }, /names no project: set custom\.sah\.sahProject/],
  [
    { sahUrl: 'https://sah.example.com', sahProject: 'shop' },
    /sahProject has to be the number of a project/,
  ],
  [
    { sahUrl: 'https://sah/api/projects/3', sahProject: 4 },
    /names project 3 and custom\.sah\.sahProject 4/,
  ],
  [{ sahProject: 3 }, /sahUrl, the address of SAH, is not/],
  [{ sahToken: 'two words' }, /sahToken has to be a token/],
];

for (const [given, sentence] of MISTAKES) {
  test(`says what is wrong with ${JSON.stringify(given)}`, () => {
    const { mistakes, config } = read(given);
    assert.ok(
      mistakes.some((each) => sentence.test(each)),
      mistakes.join('\n'),
    );
    assert.equal(config.activeAliasName, 'ACTIVE');
  });
}

test('takes empty settings as not set, so that they can come from the environment', () => {
  const { config, mistakes } = read(
    { sahUrl: '', sahProject: 3, sahToken: '' },
    { SAH_TOKEN: 'sah_env' },
  );
  assert.deepEqual(mistakes, []);
  assert.deepEqual([config.projectUrl, config.apiUrl, config.token], [null, null, 'sah_env']);
  assert.deepEqual(read({ sahUrl: null, sahProject: '' }).mistakes, []);
});

test('never repeats a token', () => {
  const { mistakes } = read({ sahToken: 'sah_secret with a blank' });
  assert.equal(mistakes.length, 1);
  assert.doesNotMatch(mistakes[0], /secret/);
});

test('takes the token from the environment when there is none', () => {
  assert.equal(read({}, { SAH_TOKEN: 'sah_env' }).config.token, 'sah_env');
  assert.equal(read({ sahToken: 'sah_own' }, { SAH_TOKEN: 'sah_env' }).config.token, 'sah_own');
});

test('takes a token that ends a line, as files and secrets of a CI do', () => {
  assert.equal(read({}, { SAH_TOKEN: 'sah_env\n' }).config.token, 'sah_env');
  assert.equal(read({}, { SAH_TOKEN: ' \n' }).config.token, null);
});
