'use strict';

/** A plugin that is listed after sah-plugin, and adds rules to the template when that has looked. */
module.exports = class LatePlugin {
  constructor(serverless) {
    const add = (id) => () => {
      const { Resources: resources } = serverless.service.provider.compiledCloudFormationTemplate;
      resources[id] = {
        Type: 'AWS::Events::Rule',
        Properties: {
          ScheduleExpression: 'rate(1 day)',
          Targets: [{ Id: 'hello', Arn: { 'Fn::GetAtt': ['HelloLambdaFunction', 'Arn'] } }],
        },
      };
    };
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': add('Late'),
      'after:package:finalize': add('Later'),
    };
  }
};
