'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { AliasUnknown, UNKNOWN, pinAliases } = require('../../../sah/plugin/lib/live');

function templateOf(...names) {
  const resources = {};
  for (const name of names) {
    resources[name] = {
      Type: 'AWS::Lambda::Function',
      Properties: { FunctionName: `shop-${name}` },
    };
    resources[`${name}V`] = {
      Type: 'AWS::Lambda::Version',
      Properties: { FunctionName: { Ref: name } },
    };
    resources[`${name}A`] = aliasOf(name, 'ACTIVE');
    resources[`${name}B`] = aliasOf(name, 'CANDIDATE');
  }
  return { Resources: resources };
}

function aliasOf(name, alias) {
  return {
    Type: 'AWS::Lambda::Alias',
    Properties: {
      FunctionName: { 'Fn::GetAtt': [name, 'Arn'] },
      FunctionVersion: newest(name),
      Name: alias,
    },
  };
}

const newest = (name) => ({ 'Fn::GetAtt': [`${name}V`, 'Version'] });
const nothing = Object.assign(new Error('Cannot find alias'), {
  name: 'ResourceNotFoundException',
});

test('writes the version that is live, and leaves other aliases to the deploy', async () => {
  const template = templateOf('Hello');
  const asked = [];
  const pins = await pinAliases(template, 'ACTIVE', async (params) => {
    asked.push(params);
    return { FunctionVersion: '7' };
  });
  assert.deepEqual(asked, [{ FunctionName: 'shop-Hello', Name: 'ACTIVE' }]);
  assert.deepEqual(pins, { kept: ['shop-Hello'], made: [] });
  assert.equal(template.Resources.HelloA.Properties.FunctionVersion, '7');
  assert.deepEqual(template.Resources.HelloB.Properties.FunctionVersion, newest('Hello'));
});

test('writes the weights too, and takes them away again', async () => {
  const template = templateOf('Hello');
  const split = { FunctionVersion: '7', RoutingConfig: { AdditionalVersionWeights: { 8: 0.25 } } };
  await pinAliases(template, 'ACTIVE', async () => split);
  const weights = { AdditionalVersionWeights: [{ FunctionVersion: '8', FunctionWeight: 0.25 }] };
  assert.deepEqual(template.Resources.HelloA.Properties.RoutingConfig, weights);
  await pinAliases(template, 'ACTIVE', async () => ({ FunctionVersion: '8', RoutingConfig: {} }));
  const again = JSON.parse(JSON.stringify(template.Resources.HelloA.Properties));
  assert.deepEqual([again.FunctionVersion, again.RoutingConfig], ['8', undefined]);
});

test('begins on the new version where there is no alias yet, also after it was pinned', async () => {
  const template = templateOf('Hello');
  await pinAliases(template, 'ACTIVE', async () => ({ FunctionVersion: '7' }));
  const pins = await pinAliases(template, 'ACTIVE', async () => Promise.reject(nothing));
  assert.deepEqual(pins, { kept: [], made: ['shop-Hello'] });
  assert.deepEqual(template.Resources.HelloA.Properties.FunctionVersion, newest('Hello'));
});

for (const error of [
  { code: 'AWS_LAMBDA_GET_ALIAS_RESOURCE_NOT_FOUND_EXCEPTION' },
  { providerError: { code: 'ResourceNotFoundException' } },
]) {
  test(`understands an older framework: ${JSON.stringify(error)}`, async () => {
    const pins = await pinAliases(templateOf('Hello'), 'ACTIVE', async () =>
      Promise.reject(Object.assign(new Error('no'), error)),
    );
    assert.deepEqual(pins.made, ['shop-Hello']);
  });
}

test('never guesses: what is not known can be deployed by nobody', async () => {
  const template = templateOf('Hello', 'Bye');
  const getAlias = async ({ FunctionName }) => {
    if (FunctionName === 'shop-Bye') throw new Error('The security token is expired');
    return { FunctionVersion: '7' };
  };
  await assert.rejects(pinAliases(template, 'ACTIVE', getAlias), (error) => {
    return (
      error instanceof AliasUnknown &&
      /where shop-Bye:ACTIVE is \(The security token is expired\)/.test(error.message)
    );
  });
  assert.equal(template.Resources.ByeA.Properties.FunctionVersion, UNKNOWN);
  assert.equal(template.Resources.HelloA.Properties.FunctionVersion, '7');
});

test('asks for a few at a time', async () => {
  const names = Array.from({ length: 23 }, (_, index) => `F${index}`);
  let open = 0;
  let most = 0;
  const pins = await pinAliases(templateOf(...names), 'ACTIVE', async () => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
    return { FunctionVersion: '7' };
  });
  assert.equal(pins.kept.length, 23);
  assert.ok(most > 1 && most <= 5);
});
