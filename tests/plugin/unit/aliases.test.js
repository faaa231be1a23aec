'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { listOtherFunctions } = require('../../../sah/plugin/lib/aliases');

const FUNCTION = { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'raw' } };

test('knows why a function that is none of the service gets no alias', () => {
  const resources = {
    Hello: FUNCTION,
    Raw: FUNCTION,
    Unnamed: { Type: 'AWS::Lambda::Function' },
    Late: FUNCTION,
    LateVersion: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Late' } } },
  };
  const found = listOtherFunctions(resources, [{ logicalId: 'Hello' }]);
  const short = found.map(({ key, name, left }) => [
    key,
    name,
    left.split(' ').slice(0, 5).join(' '),
  ]);
  assert.deepEqual(short, [
    ['Raw', 'raw', 'it stands under resources, where'],
    ['Unnamed', null, 'it stands under resources, where'],
    ['Late', 'raw', 'a plugin that is listed'],
  ]);
});
