'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Graph } = require('../../../sah/plugin/lib/graph');
const { rewrite } = require('../../../sah/plugin/lib/rewrite');

const ARN = { 'Fn::GetAtt': ['Hello', 'Arn'] };
const ALIAS = { Ref: 'HelloAlias' };

/** A template with a function and its alias, and what the test adds. */
function templateOf(more, outputs = {}) {
  return {
    Resources: {
      Hello: { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'shop-dev-hello' } },
      HelloVersion: {
        Type: 'AWS::Lambda::Version',
        Properties: { FunctionName: { Ref: 'Hello' } },
      },
      HelloAlias: {
        Type: 'AWS::Lambda::Alias',
        Properties: {
          FunctionName: ARN,
          FunctionVersion: { 'Fn::GetAtt': ['HelloVersion', 'Version'] },
          Name: 'ACTIVE',
        },
      },
      ...more,
    },
    Outputs: outputs,
  };
}

function functions() {
  return [
    {
      key: 'hello',
      logicalId: 'Hello',
      name: 'shop-dev-hello',
      alias: { name: 'ACTIVE', logicalId: 'HelloAlias' },
    },
  ];
}

function run(more, outputs) {
  const template = templateOf(more, outputs);
  const findings = rewrite(template, functions());
  return { resources: template.Resources, findings, texts: findings.map((each) => each.text) };
}

const RULE = { Type: 'AWS::Events::Rule', Properties: { Targets: [{ Id: 'a', Arn: ARN }] } };
const permission = (more) => ({
  Type: 'AWS::Lambda::Permission',
  Properties: { FunctionName: { Ref: 'Hello' }, Action: 'lambda:InvokeFunction', ...more },
});

test('moves a permission with the rule that it lets in, and says nothing', () => {
  const { resources, findings } = run({
    Rule: RULE,
    May: permission({ Principal: 'events.amazonaws.com' }),
  });
  assert.deepEqual(resources.Rule.Properties.Targets[0].Arn, ALIAS);
  assert.deepEqual(resources.May.Properties.FunctionName, ALIAS);
  assert.equal(resources.MayForLatest, undefined);
  assert.deepEqual(findings, []);
});

test('keeps a permission of another account beside the one on the alias', () => {
  const { resources, texts } = run({ May: permission({ Principal: '111122223333' }) });
  assert.deepEqual(resources.May.Properties.FunctionName, ALIAS);
  assert.deepEqual(resources.MayForLatest.Properties.FunctionName, { Ref: 'Hello' });
  assert.match(texts[0], /lets in \(111122223333\) is not in this stack: point that at the alias/);
});

test('leaves a resource whole when one of its two references cannot be moved', () => {
  const targets = [
    { Id: 'a', Arn: ARN },
    { Id: 'b', Arn: 'arn:aws:lambda:eu-west-1:1:function:shop-dev-hello' },
    { Id: 'c', Arn: { 'Fn::Select': [0, [ARN]] } },
  ];
  const rule = { Type: 'AWS::Events::Rule', Properties: { Targets: targets } };
  const { resources, texts } = run({
    Rule: rule,
    May: permission({ Principal: 'events.amazonaws.com' }),
  });
  assert.deepEqual(resources.Rule, rule);
  assert.ok(resources.MayForLatest);
  assert.match(texts[0], /Rule could not be rewritten \(it stands inside Fn::Select\)/);
});

for (const [what, source, kept] of [
  ['by reference', { 'Fn::GetAtt': ['Rule', 'Arn'] }, false],
  ['by its name', 'arn:aws:events:eu-west-1:1:rule/nightly', false],
  ['by any rule', { 'Fn::Sub': 'arn:aws:events:${AWS::Region}:${AWS::AccountId}:rule/*' }, false],
  ['of another name', 'arn:aws:events:eu-west-1:1:rule/elsewhere', true],
  ['of a parameter', { Ref: 'RuleArn' }, true],
]) {
  test(`knows whether a permission is for a rule of this stack: ${what}`, () => {
    const rule = { ...RULE, Properties: { ...RULE.Properties, Name: 'nightly' } };
    const may = permission({ Principal: 'events.amazonaws.com', SourceArn: source });
    const { resources, findings } = run({ Rule: rule, May: may });
    assert.deepEqual(resources.May.Properties.FunctionName, ALIAS);
    assert.equal('MayForLatest' in resources, kept);
    assert.equal(findings.length, kept ? 1 : 0);
  });
}

test('makes what waited for a permission wait for the kept one too', () => {
  const bucket = { Type: 'AWS::S3::Bucket', DependsOn: 'May', Properties: {} };
  const { resources } = run({ Bucket: bucket, May: permission({ Principal: 's3.amazonaws.com' }) });
  assert.deepEqual(resources.Bucket.DependsOn, ['May', 'MayForLatest']);
});

test('renames an alias that the framework would have made', () => {
  const former = { name: 'provisioned', logicalId: 'HelloProvConcLambdaAlias' };
  const template = templateOf(
    {
      Scaling: {
        Type: 'X::Y::Z',
        DependsOn: [former.logicalId],
        Properties: { Id: { 'Fn::Sub': 'function:${Hello}:provisioned' } },
      },
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: { Targets: [{ Arn: { 'Fn::Join': [':', [ARN, 'provisioned']] } }] },
      },
    },
    { Out: { Value: { 'Fn::Sub': '${HelloProvConcLambdaAlias}' } } },
  );
  const findings = rewrite(
    template,
    functions().map((each) => ({ ...each, former })),
  );
  assert.deepEqual(template.Resources.Scaling, {
    Type: 'X::Y::Z',
    DependsOn: ['HelloAlias'],
    Properties: { Id: { 'Fn::Sub': 'function:${Hello}:ACTIVE' } },
  });
  assert.deepEqual(template.Outputs.Out.Value, { 'Fn::Sub': '${HelloAlias}' });
  assert.match(findings[0].text, /Rule names the alias provisioned of hello, which is ACTIVE now/);
});

test('gives the template back as it was when something unforeseen happens', () => {
  const trap = {
    get Type() {
      throw new Error('boom');
    },
  };
  const template = templateOf({ Rule: RULE, Trap: trap });
  const before = { ...template.Resources };
  const findings = rewrite(template, functions());
  assert.deepEqual(Object.keys(template.Resources), Object.keys(before));
  assert.equal(template.Resources.Rule, RULE);
  assert.match(findings[0].text, /could not be looked at \(boom\)/);
});

test('survives resources that are no resources', () => {
  const odd = {
    Nothing: null,
    Word: 'Hello',
    List: ['Hello'],
    Bare: { Type: 'AWS::Events::Rule' },
    Rule: RULE,
  };
  const half = {
    Half: { Type: 'AWS::Lambda::Permission', Properties: { FunctionName: { Ref: 'Hello' } } },
  };
  const { resources } = run({ ...odd, ...half });
  assert.deepEqual(resources.Rule.Properties.Targets[0].Arn, ALIAS);
});

test('extends what a policy allows, and keeps what it allowed', () => {
  const statement = (Action, Resource) => ({ Effect: 'Allow', Action, Resource });
  const policy = {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyDocument: {
        Statement: [
          statement('lambda:InvokeFunction', ARN),
          statement(['lambda:Invoke*'], [{ 'Fn::Sub': '${Hello.Arn}:*' }]),
          statement(['lambda:GetFunction'], ARN),
          statement('*', '*'),
        ],
      },
    },
  };
  const { resources, findings } = run({ Policy: policy });
  const allowed = resources.Policy.Properties.PolicyDocument.Statement.map((each) => each.Resource);
  assert.deepEqual(allowed, [[ARN, ALIAS], [{ 'Fn::Sub': '${Hello.Arn}:*' }], ARN, '*']);
  assert.deepEqual(findings, []);
});

test('waits for an alias that is meant by its name', () => {
  const filter = {
    Type: 'AWS::Logs::SubscriptionFilter',
    DependsOn: 'Something',
    Properties: { DestinationArn: 'arn:aws:lambda:eu-west-1:1:function:shop-dev-hello' },
  };
  const { resources } = run({ Filter: filter });
  assert.deepEqual(resources.Filter.DependsOn, ['Something', 'HelloAlias']);
});

test('never closes a circle', () => {
  const template = templateOf({
    Flow: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        DefinitionString: '{"Resource":"arn:aws:lambda:eu-west-1:1:function:shop-dev-hello"}',
      },
    },
  });
  template.Resources.Hello.Properties.Environment = { Variables: { FLOW: { Ref: 'Flow' } } };
  rewrite(template, functions());
  assert.match(template.Resources.Flow.Properties.DefinitionString, /shop-dev-hello:ACTIVE/);
  assert.equal(template.Resources.Flow.DependsOn, undefined);
  assert.equal(new Graph(template.Resources).reaches('Flow', 'HelloAlias'), false);
});

test('reports what hands the function out without the alias', () => {
  const template = templateOf(
    { Name: { Type: 'AWS::SSM::Parameter', Properties: { Value: { Ref: 'Hello' } } } },
    { Out: { Value: ARN } },
  );
  template.Resources.Hello.Properties.Environment = { Variables: { SELF: 'shop-dev-hello' } };
  const findings = rewrite(template, functions());
  assert.deepEqual(
    findings.map((each) => each.level),
    ['note', 'note', 'note'],
  );
  assert.match(
    findings.map((each) => each.text).join('\n'),
    /variable SELF of Hello[^]*Parameter Name[^]*output Out/,
  );
});

test('leaves an explicit $LATEST, and says so', () => {
  const rule = {
    Type: 'AWS::Events::Rule',
    Properties: { Targets: [{ Arn: { 'Fn::Sub': '${Hello.Arn}:$LATEST' } }] },
  };
  const { resources, texts } = run({ Rule: rule });
  assert.deepEqual(resources.Rule, rule);
  assert.match(texts[0], /names \$LATEST of hello itself/);
});

test('only looks when events shall stay where they are', () => {
  const template = templateOf({ Rule: RULE });
  const before = structuredClone(template);
  const findings = rewrite(template, functions(), false);
  assert.deepEqual(template, before);
  assert.match(findings[0].text, /Rule invokes hello on \$LATEST/);
});

test('reports a loop, which only CloudFormation can read, and leaves it', () => {
  const loop = ['N', ['a', 'b'], { 'R${N}': RULE }];
  const { resources, texts } = run({ 'Fn::ForEach::Rules': loop });
  assert.deepEqual(resources['Fn::ForEach::Rules'], loop);
  assert.deepEqual(texts, [
    'Fn::ForEach::Rules refers to hello, and only CloudFormation can read it; it was left on $LATEST.',
  ]);
});

/** A rule whose target is written so; what became of it, and what was said. */
function aimed(arn, { maps, parameters, given } = {}) {
  const rule = { Type: 'AWS::Events::Rule', Properties: { Targets: [{ Id: 'a', Arn: arn }] } };
  const template = { ...templateOf({ Rule: rule }), Mappings: maps, Parameters: parameters };
  const findings = rewrite(template, functions(), true, given);
  const { Targets: targets } = template.Resources.Rule.Properties;
  return {
    arn: targets[0].Arn,
    texts: findings.map((each) => each.text),
    rule: template.Resources.Rule,
  };
}

const MAPS = {
  Names: {
    prod: { hello: 'shop-dev-hello', other: 'shop-dev-other', short: 'hello' },
    dev: { hello: 'shop-dev-hello', other: 'shop-dev-hello', short: 'bye' },
  },
};
const HIDDEN = {
  'a map': { 'Fn::FindInMap': ['Names', 'prod', 'hello'] },
  'a map that says the same everywhere': {
    'Fn::FindInMap': ['Names', { Ref: 'AWS::Region' }, 'hello'],
  },
  'a map within a join': {
    'Fn::Join': ['-', ['shop', 'dev', { 'Fn::FindInMap': ['Names', 'prod', 'short'] }]],
  },
  'a map within a substitution': {
    'Fn::Sub': ['shop-dev-${short}', { short: { 'Fn::FindInMap': ['Names', 'prod', 'short'] } }],
  },
  pieces: { 'Fn::Join': ['', ['shop-', { 'Fn::Join': ['-', ['dev', 'hello']] }]] },
  'a piece of a list': { 'Fn::Select': [1, { 'Fn::Split': [',', 'x,shop-dev-hello'] }] },
};

for (const [what, name] of Object.entries(HIDDEN)) {
  test(`knows a function whose name is ${what}`, () => {
    const { arn, texts, rule } = aimed(
      { 'Fn::Sub': ['arn:aws:lambda:${AWS::Region}:1:function:${name}', { name }] },
      { maps: MAPS },
    );
    assert.match(JSON.stringify(arn), /shop-dev-hello:ACTIVE/);
    assert.deepEqual(texts, []);
    assert.deepEqual(rule.DependsOn, ['HelloAlias']);
  });
}

const UNKNOWN = {
  'the map Names': { 'Fn::FindInMap': ['Names', { Ref: 'AWS::Region' }, 'other'] },
  'the parameter Name': { Ref: 'Name' },
  'the parameter Short': { 'Fn::Sub': 'shop-dev-${Short}' },
  'the parameter Given': { Ref: 'Given' },
  'a condition': { 'Fn::Join': ['-', ['shop-dev', { 'Fn::If': ['IsProd', 'hello', 'bye'] }]] },
};

for (const [by, name] of Object.entries(UNKNOWN)) {
  test(`says that ${by} may make it a function, and leaves it`, () => {
    const given = { 'Fn::Join': ['', ['arn:aws:lambda:eu-west-1:1:function:', name]] };
    const { arn, texts } = aimed(given, {
      maps: MAPS,
      parameters: {
        Name: { Type: 'String', Default: 'shop-dev-hello' },
        Short: { Type: 'String', AllowedValues: ['bye', 'hello'] },
        Given: { Type: 'String' },
      },
      given: { Given: 'shop-dev-hello' },
    });
    assert.deepEqual(arn, given);
    assert.deepEqual(texts, [
      `AWS::Events::Rule Rule may mean hello, by ${by}, which only CloudFormation knows; it was ` +
        'left as it is. Refer to the function itself instead.',
    ]);
  });
}

test('reads a template whose maps and parameters are empty', () => {
  const { arn, texts } = aimed(ARN, { maps: null, parameters: null });
  assert.deepEqual([arn, texts], [ALIAS, []]);
  for (const maps of [{ Names: null }, { Names: { dev: null } }, { Names: 'x' }]) {
    const given = { 'Fn::FindInMap': ['Names', 'dev', 'hello'] };
    assert.deepEqual(aimed(given, { maps, parameters: { P: null } }).arn, given);
  }
});

for (const [what, definition] of Object.entries({
  'a text': { DefinitionString: '{"A":"${arn}:$LATEST","B":"${name}:7","C":"${arn2}"}' },
  'a text of its own substitutions': {
    DefinitionString: { 'Fn::Sub': '{"A":"${!arn}:$LATEST","B":"${!name}:7","C":"${!arn2}"}' },
  },
  'an object': { Definition: { A: '${arn}:$LATEST', B: '${name}:7', C: ['${arn2}'] } },
})) {
  test(`qualifies no substitution that the definition qualifies: ${what}`, () => {
    const given = { arn: ARN, name: { Ref: 'Hello' }, arn2: ARN };
    const { resources, texts } = run({
      Steps: {
        Type: 'AWS::StepFunctions::StateMachine',
        Properties: { ...definition, DefinitionSubstitutions: given },
      },
    });
    const { DefinitionSubstitutions: substitutions } = resources.Steps.Properties;
    assert.deepEqual(substitutions, { ...given, arn2: ALIAS });
    assert.deepEqual(texts, [
      'AWS::StepFunctions::StateMachine Steps names $LATEST of hello itself; it was left so.',
    ]);
  });
}

test('leaves a state machine that qualifies one substitution in two ways', () => {
  const properties = {
    DefinitionString: '{"A":"${arn}:$LATEST","B":"${arn}"}',
    DefinitionSubstitutions: { arn: ARN },
  };
  const { resources, texts } = run({
    Steps: { Type: 'AWS::StepFunctions::StateMachine', Properties: structuredClone(properties) },
  });
  assert.deepEqual(resources.Steps.Properties, properties);
  assert.match(texts[0], /could not be rewritten \(the definition uses \$\{arn\} with different/);
});

test('qualifies a substitution that is the mere name of a function', () => {
  const { resources, texts } = run({
    Steps: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        DefinitionString: '{"FunctionName":"${name}","Comment":"${other}"}',
        DefinitionSubstitutions: { name: 'shop-dev-hello', other: 'shop-dev-hello-2' },
      },
    },
  });
  assert.deepEqual(resources.Steps.Properties.DefinitionSubstitutions, {
    name: 'shop-dev-hello:ACTIVE',
    other: 'shop-dev-hello-2',
  });
  assert.deepEqual(resources.Steps.DependsOn, ['HelloAlias']);
  assert.deepEqual(texts, []);
});

test('reads an expression that is empty', () => {
  const given = { 'Fn::Join': ['', [{}, 'x']] };
  assert.deepEqual(aimed(given, {}).arn, given);
  assert.deepEqual(aimed(given, {}).texts, []);
});

test('does not take the name of something else for a function', () => {
  const { resources, texts } = run({
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        TableName: { 'Fn::If': ['IsProd', { 'Fn::Join': ['-', ['shop-dev', 'hello']] }, 'x'] },
      },
    },
  });
  assert.ok(resources.Table);
  assert.deepEqual(texts, []);
});

for (const [what, given] of Object.entries({
  'a join': { 'Fn::Join': ['', [ARN, { Ref: 'Suffix' }]] },
  'a substitution': { 'Fn::Sub': '${Hello.Arn}${Suffix}' },
})) {
  test(`leaves a function that ${what} lets something unknown follow`, () => {
    const { arn, texts } = aimed(given, { parameters: { Suffix: { Type: 'String' } } });
    assert.deepEqual(arn, given);
    assert.deepEqual(texts, [
      'AWS::Events::Rule Rule could not be rewritten (what follows the function is known to ' +
        'CloudFormation only); it stays on $LATEST.',
    ]);
  });
}

test('says which environment variables and outputs come to a function', () => {
  const name = { 'Fn::Join': ['-', ['shop-dev', 'hello']] };
  const caller = {
    Type: 'AWS::Lambda::Function',
    Properties: { Environment: { Variables: { NAME: name } } },
  };
  const { texts } = run({ Caller: caller }, { Name: { Value: name } });
  assert.equal(texts.length, 2);
  assert.match(texts[0], /^The environment variable NAME of Caller names hello/);
  assert.match(texts[1], /^The output Name hands out hello/);
});
