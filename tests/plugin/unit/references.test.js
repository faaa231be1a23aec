'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { NotRewritable, walk } = require('../../../sah/plugin/lib/references');

const HELLO = {
  key: 'hello',
  logicalId: 'Hello',
  name: 'shop-dev-hello',
  inStack: '${AWS::StackName}-hello',
  alias: { name: 'ACTIVE', logicalId: 'HelloAlias' },
};
const ALONE = { key: 'alone', logicalId: 'Alone', name: 'shop-dev-alone', alias: null };
const TARGETS = [HELLO, ALONE];
const ARN = { 'Fn::GetAtt': ['Hello', 'Arn'] };

const qualify = (value, options = {}) =>
  walk(value, { targets: TARGETS, change: true, ...options }).value;

const MOVED = {
  'an attribute': [ARN, { Ref: 'HelloAlias' }],
  'an attribute with a dot': [{ 'Fn::GetAtt': 'Hello.Arn' }, { Ref: 'HelloAlias' }],
  'a name': [{ Ref: 'Hello' }, { Ref: 'HelloAlias' }],
  'text that is only the attribute': [
    { 'Fn::Sub': '${Hello.Arn}' },
    { 'Fn::Sub': '${HelloAlias}' },
  ],
  'text that is only the name': [{ 'Fn::Sub': '${Hello}' }, { 'Fn::Sub': '${HelloAlias}' }],
  'an attribute in text': [{ 'Fn::Sub': 'a/${Hello.Arn}/b' }, { 'Fn::Sub': 'a/${HelloAlias}/b' }],
  'a name in text': [
    { 'Fn::Sub': 'arn:x:function:${Hello}/b' },
    { 'Fn::Sub': 'arn:x:function:${Hello}:ACTIVE/b' },
  ],
  'a variable of the text': [
    { 'Fn::Sub': ['a/${It}', { It: ARN }] },
    { 'Fn::Sub': ['a/${It}', { It: { Ref: 'HelloAlias' } }] },
  ],
  "a name that begins with the stack's": [
    { 'Fn::Sub': 'arn:${AWS::Partition}:x:function:${AWS::StackName}-hello/b' },
    { 'Fn::Sub': 'arn:${AWS::Partition}:x:function:${AWS::StackName}-hello:ACTIVE/b' },
  ],
  "a joined name that begins with the stack's": [
    { 'Fn::Join': ['', ['arn:x:function:', { Ref: 'AWS::StackName' }, '-hello']] },
    { 'Fn::Sub': 'arn:x:function:${AWS::StackName}-hello:ACTIVE' },
  ],
  'a literal name in a variable': [
    { 'Fn::Sub': ['arn:x:function:${It}', { It: 'shop-dev-hello' }] },
    { 'Fn::Sub': ['arn:x:function:${It}', { It: 'shop-dev-hello:ACTIVE' }] },
  ],
  'a joined attribute': [
    { 'Fn::Join': ['', ['a/', ARN, '/b']] },
    { 'Fn::Join': ['', ['a/', { Ref: 'HelloAlias' }, '/b']] },
  ],
  'a joined name': [
    { 'Fn::Join': [':', ['function', { Ref: 'Hello' }]] },
    { 'Fn::Join': [':', ['function', { 'Fn::Join': [':', [{ Ref: 'Hello' }, 'ACTIVE']] }]] },
  ],
  'a joined literal': [
    {
      'Fn::Join': [
        ':',
        ['arn', 'aws', 'lambda', { Ref: 'AWS::Region' }, '1', 'function', 'shop-dev-hello'],
      ],
    },
    {
      'Fn::Join': [
        ':',
        ['arn', 'aws', 'lambda', { Ref: 'AWS::Region' }, '1', 'function', 'shop-dev-hello:ACTIVE'],
      ],
    },
  ],
  'a literal ARN': [
    'arn:aws:lambda:eu-west-1:1:function:shop-dev-hello',
    'arn:aws:lambda:eu-west-1:1:function:shop-dev-hello:ACTIVE',
  ],
  'a literal name under its key': [
    { FunctionName: 'shop-dev-hello', a: 1 },
    { FunctionName: 'shop-dev-hello:ACTIVE', a: 1 },
  ],
  'a literal name in JSON': [
    '{"FunctionName": "shop-dev-hello"}',
    '{"FunctionName": "shop-dev-hello:ACTIVE"}',
  ],
  'both branches of a condition': [
    { 'Fn::If': ['Wanted', ARN, { Ref: 'Hello' }] },
    { 'Fn::If': ['Wanted', { Ref: 'HelloAlias' }, { Ref: 'HelloAlias' }] },
  ],
};

for (const [what, [before, after]] of Object.entries(MOVED)) {
  test(`qualifies ${what}`, () => assert.deepEqual(qualify(before), after));
  test(`qualifies ${what} only once`, () => assert.deepEqual(qualify(qualify(before)), after));
}

const KEPT = {
  'an attribute with a qualifier in the next piece': { 'Fn::Join': ['', [ARN, ':ACTIVE']] },
  'another alias in the next piece': { 'Fn::Join': [':', [ARN, 'BETA']] },
  'a qualifier that only AWS knows': { 'Fn::Join': [':', [ARN, { Ref: 'Stage' }]] },
  'a version in text': { 'Fn::Sub': '${Hello.Arn}:7' },
  'a qualifier that is a placeholder': { 'Fn::Sub': '${Hello.Arn}:${Stage}' },
  'an explicit $LATEST': { 'Fn::Sub': '${Hello.Arn}:$LATEST' },
  'every version in a policy': { 'Fn::Sub': '${Hello.Arn}:*' },
  'an escaped placeholder': { 'Fn::Sub': 'a ${!Hello.Arn} b' },
  'another function of a longer name': 'arn:aws:lambda:eu-west-1:1:function:shop-dev-hello-2',
  'a log group': '/aws/lambda/shop-dev-hello',
  'another attribute': { 'Fn::GetAtt': ['Hello', 'SnapStartResponse'] },
  'a function without alias': { 'Fn::GetAtt': ['Alone', 'Arn'] },
  'what is not text': [1, true, null, { a: { b: 2 } }],
  'nonsense in place of pieces': { 'Fn::Join': ['', 'x'] },
  'nonsense in place of text': { 'Fn::Sub': 3 },
};

for (const [what, value] of Object.entries(KEPT)) {
  test(`leaves ${what}`, () => assert.deepEqual(qualify(value), value));
}

test('writes what the framework joins for an alias as the alias', () => {
  const joined = { 'Fn::Join': [':', [ARN, 'ACTIVE']] };
  const { value, found } = walk(joined, { targets: TARGETS, change: true });
  assert.deepEqual(value, { Ref: 'HelloAlias' });
  assert.deepEqual(
    found.map(({ qualifier, moved, byName }) => [qualifier, moved, byName]),
    [['ACTIVE', false, false]],
  );
  assert.deepEqual(walk(joined, { targets: TARGETS }).value, joined);
});

test('keeps a name a name where it is put together with other text', () => {
  const kept = { 'Fn::Join': [':', [{ Ref: 'Hello' }, 'ACTIVE']] };
  assert.deepEqual(qualify({ Ref: 'Hello' }, { names: true }), kept);
});

test('takes a text that is nothing but the name only where one is meant', () => {
  assert.equal(qualify('shop-dev-hello'), 'shop-dev-hello');
  assert.equal(qualify('shop-dev-hello', { literals: true }), 'shop-dev-hello:ACTIVE');
});

test('refuses what stands inside a function that takes text apart', () => {
  assert.throws(() => qualify({ 'Fn::Select': [0, [ARN]] }), NotRewritable);
  assert.throws(() => qualify({ 'Fn::Split': [':', ARN] }), NotRewritable);
});

test('says what it saw without changing anything', () => {
  const value = [ARN, { 'Fn::Sub': '${Alone}:7' }, { 'Fn::Select': [0, [ARN]] }];
  const seen = walk(value, { targets: TARGETS });
  assert.deepEqual(seen.value, value);
  const short = seen.found.map((each) => [each.target.key, each.qualifier, each.moved]);
  assert.deepEqual(short, [
    ['hello', null, false],
    ['alone', '7', false],
    ['hello', null, false],
  ]);
});

test('leaves what it was given as it was', () => {
  const value = { 'Fn::Sub': ['${It}', { It: ARN }] };
  const before = structuredClone(value);
  qualify(value);
  assert.deepEqual(value, before);
});

test('takes the longer of two names of which one begins the other', () => {
  const of = (key) => ({
    key,
    logicalId: key,
    name: `shop-dev-${key}`,
    alias: { name: 'ACTIVE', logicalId: `${key}Alias` },
  });
  const targets = [of('f1'), of('f10')];
  for (const name of ['f1', 'f10']) {
    const { value, found } = walk(`arn:aws:lambda:eu-west-1:1:function:shop-dev-${name}`, {
      targets,
      change: true,
    });
    assert.match(String(value), new RegExp(`shop-dev-${name}:ACTIVE$`)); // begins another
    assert.deepEqual(
      found.map((each) => each.target.key),
      [name],
    );
  }
});
