'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { addAliases, listTaken } = require('../../../sah/plugin/lib/aliases');
const { findTwice } = require('../../../sah/plugin/lib/twice');

const functions = () => [
  {
    key: 'hello',
    logicalId: 'Hello',
    name: 'shop-dev-hello',
    alias: { name: 'ACTIVE', logicalId: 'HelloAlias' },
  },
];

function twice(resource, { extra = [], parameters, given } = {}) {
  const template = {
    Parameters: parameters,
    Resources: {
      Hello: { Type: 'AWS::Lambda::Function' },
      HelloVersion: {
        Type: 'AWS::Lambda::Version',
        Properties: { FunctionName: { Ref: 'Hello' } },
      },
    },
  };
  addAliases(template, functions(), extra);
  template.Resources.Mine = { Type: 'AWS::Lambda::Alias', ...resource };
  return findTwice(template, functions(), extra, given);
}

const named = (name, of = { Ref: 'Hello' }) => ({ Properties: { Name: name, FunctionName: of } });

test('says what to take out when an alias is made twice, however the function is written', () => {
  const ways = [
    { Ref: 'Hello' },
    { 'Fn::GetAtt': 'Hello.Arn' },
    'shop-dev-hello',
    { 'Fn::Sub': '${Hello}' },
  ];
  for (const way of ways) {
    assert.deepEqual(twice(named('ACTIVE', way)), [
      {
        sure: true,
        text:
          'Mine makes the alias ACTIVE of hello as well, and a function has an alias of a name only ' +
          'once: take Mine out, in a deploy of its own when it is in the stack already, or choose ' +
          'another custom.sah.activeAliasName.',
      },
    ]);
  }
});

test('counts extra aliases too, and none of another name or function', () => {
  const [found] = twice(named('BLUE'), { extra: ['BLUE'] });
  assert.match(found.text, /choose another name in custom\.sah\.aliases\.$/);
  assert.deepEqual(twice(named('BLUE')), []);
  assert.deepEqual(twice(named('ACTIVE', 'shop-dev-other')), []);
  assert.deepEqual(twice({}), []);
  assert.deepEqual(twice({ Properties: null }), []);
  assert.equal(twice(named('ACTIVE'), { parameters: null }).length, 1);
});

test('is not sure where a condition or a parameter decides', () => {
  const parameters = { Name: { Type: 'String', Default: 'ACTIVE' } };
  for (const found of [
    twice({ ...named('ACTIVE'), Condition: 'IsProd' }),
    twice(named({ Ref: 'Name' }), { parameters }),
    twice(named({ Ref: 'Other' }), { parameters: { Other: {} }, given: { Other: 'ACTIVE' } }),
    twice(named({ 'Fn::If': ['IsProd', 'ACTIVE', 'OTHER'] })),
  ]) {
    assert.deepEqual(
      found.map((each) => each.sure),
      [false],
    );
    assert.match(found[0].text, /^Mine may make the alias ACTIVE of hello as well/);
  }
});

test('knows whose logical id an alias would take', () => {
  const taken = (resources, own, extra) =>
    listTaken({ Resources: resources }, { resources: { Resources: own } }, functions(), extra);
  assert.deepEqual(taken({}, {}, ['BLUE']), []);
  assert.deepEqual(taken({ HelloAlias: { Type: 'AWS::Lambda::Alias' } }, null, []), []);
  assert.deepEqual(taken({ HelloAlias: { Type: 'AWS::SQS::Queue' } }, {}, []), [
    'The alias ACTIVE of hello needs the logical id HelloAlias, which a resource has already; rename one of them.',
  ]);
  const needs = [
    'The alias blue of hello needs the logical id HelloAliasBlue, which a resource has already; rename one of them.',
  ];
  assert.deepEqual(taken({ HelloAliasBlue: {} }, {}, ['blue']), needs);
  assert.deepEqual(taken({}, { HelloAliasBlue: {} }, ['blue']), needs);
});
