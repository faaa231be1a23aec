'use strict';

/**
 * Where in a resource of each type the function stands that it invokes.
 *
 * In a path `*` is every item or entry, and a last `**` everything below. What stands nowhere here
 * is not rewritten: if it refers to a function, it is reported.
 */

/** Texts that a state machine's definition is filled with. */
const SUBSTITUTIONS = 'DefinitionSubstitutions.**';

const INVOKES = {
  'AWS::ApiGateway::Authorizer': ['AuthorizerUri'],
  'AWS::ApiGateway::Method': ['Integration.Uri'],
  'AWS::ApiGateway::RestApi': ['Body.**'],
  'AWS::ApiGatewayV2::Api': ['Body.**', 'Target'],
  'AWS::ApiGatewayV2::Authorizer': ['AuthorizerUri'],
  'AWS::ApiGatewayV2::Integration': ['IntegrationUri'],
  'AWS::AppSync::DataSource': ['LambdaConfig.LambdaFunctionArn'],
  'AWS::AppSync::GraphQLApi': [
    'LambdaAuthorizerConfig.AuthorizerUri',
    'AdditionalAuthenticationProviders.*.LambdaAuthorizerConfig.AuthorizerUri',
  ],
  'AWS::Bedrock::Agent': ['ActionGroups.*.ActionGroupExecutor.Lambda'],
  'AWS::CloudWatch::Alarm': ['AlarmActions.*', 'InsufficientDataActions.*', 'OKActions.*'],
  'AWS::Cognito::UserPool': ['LambdaConfig.**'],
  'AWS::Config::ConfigRule': ['Source.SourceIdentifier'],
  'AWS::ElasticLoadBalancingV2::TargetGroup': ['Targets.*.Id'],
  'AWS::Events::Rule': ['Targets.*.Arn'],
  'AWS::IoT::ProvisioningTemplate': ['PreProvisioningHook.TargetArn'],
  'AWS::IoT::TopicRule': [
    'TopicRulePayload.Actions.*.Lambda.FunctionArn',
    'TopicRulePayload.ErrorAction.Lambda.FunctionArn',
  ],
  'AWS::KinesisFirehose::DeliveryStream': ['**'],
  'AWS::Lambda::EventInvokeConfig': [
    'DestinationConfig.OnFailure.Destination',
    'DestinationConfig.OnSuccess.Destination',
  ],
  'AWS::Lambda::EventSourceMapping': ['FunctionName'],
  'AWS::Lambda::Permission': ['FunctionName'],
  'AWS::Logs::SubscriptionFilter': ['DestinationArn'],
  'AWS::Pipes::Pipe': ['Enrichment', 'Target'],
  'AWS::S3::Bucket': ['NotificationConfiguration.LambdaConfigurations.*.Function'],
  'AWS::Scheduler::Schedule': ['Target.Arn'],
  'AWS::SecretsManager::RotationSchedule': ['RotationLambdaARN'],
  'AWS::SES::ReceiptRule': ['Rule.Actions.*.LambdaAction.FunctionArn'],
  'AWS::SNS::Subscription': ['Endpoint'],
  'AWS::SNS::Topic': ['Subscription.*.Endpoint'],
  'AWS::StepFunctions::StateMachine': [
    'Definition.**',
    'DefinitionString',
    SUBSTITUTIONS,
  ],
};

/** In these a `Ref` is put together with other text, so it has to stay a name. */
const KEEPS_NAMES = new Set([
  'AWS::StepFunctions::StateMachine',
  'AWS::ApiGateway::RestApi',
  'AWS::ApiGatewayV2::Api',
]);

/** The function and its qualifier are two properties. */
const HAS_QUALIFIER = {
  'AWS::Lambda::EventInvokeConfig': 'FunctionName',
  'AWS::Lambda::Url': 'TargetFunctionArn',
};

const POLICIES = new Set([
  'AWS::IAM::GroupPolicy',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::IAM::RolePolicy',
  'AWS::IAM::User',
  'AWS::IAM::UserPolicy',
]);

/** Types that may name a function without ever invoking it. */
const HARMLESS = new Set([
  'AWS::ApplicationAutoScaling::ScalableTarget',
  'AWS::ApplicationAutoScaling::ScalingPolicy',
  'AWS::CloudFront::Distribution', // only takes versions
  'AWS::CloudWatch::Alarm', // but for its actions, above
  'AWS::CloudWatch::AnomalyDetector',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::CloudWatch::InsightRule',
  'AWS::Lambda::Alias',
  'AWS::Lambda::Version',
  'AWS::Logs::LogGroup',
  'AWS::Logs::MetricFilter',
  'AWS::Logs::QueryDefinition',
  'AWS::ResourceGroups::Group',
]);

/** Who may call, by the principal of a permission: the types that call in its name. */
const CALLERS = [
  [/^apigateway\./, /^AWS::ApiGateway(V2)?::/],
  [/^events\./, /^AWS::Events::/],
  [/^s3\./, /^AWS::S3::/],
  [/^sns\./, /^AWS::SNS::/],
  [/^cognito-idp\./, /^AWS::Cognito::/],
  [/^elasticloadbalancing\./, /^AWS::ElasticLoadBalancingV2::/],
  [/^logs\./, /^AWS::Logs::/],
  [/^iot\./, /^AWS::IoT::/],
  [/^secretsmanager\./, /^AWS::SecretsManager::/],
  [/^ses\./, /^AWS::SES::/],
  [/^config\./, /^AWS::Config::/],
  [/^appsync\./, /^AWS::AppSync::/],
  [/^bedrock\./, /^AWS::Bedrock::/],
  [/^lambda\.alarms\.cloudwatch\./, /^AWS::CloudWatch::/],
  [/^scheduler\./, /^AWS::Scheduler::/],
  [/^states\./, /^AWS::StepFunctions::/],
  [/^\*$/, /^AWS::Lambda::Url$/],
];

/** Custom resources of the framework that refer to a function by its literal name. */
const FRAMEWORK_CUSTOM = new Set(['Custom::CognitoUserPool', 'Custom::EventBridge', 'Custom::S3']);

function isCustomResource(type) {
  return type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource';
}

/**
 * Put what `change` makes of it wherever a path leads.
 *
 * @param {any} value
 * @param {string[]} steps
 * @param {(value: unknown, deep: boolean) => unknown} change
 */
function changeAt(value, steps, change) {
  if (value === undefined || value === null) return value;
  if (!steps.length) return change(value, false);
  const [step, ...rest] = steps;
  if (step === '**') return change(value, true);
  if (typeof value !== 'object') return value;
  const branches = value['Fn::If'];
  if (Array.isArray(branches)) {
    return {
      'Fn::If': [branches[0], ...branches.slice(1).map((each) => changeAt(each, steps, change))],
    };
  }
  if (step === '*') {
    if (Array.isArray(value)) return value.map((each) => changeAt(each, rest, change));
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, changeAt(each, rest, change)]),
    );
  }
  return step in value ? { ...value, [step]: changeAt(value[step], rest, change) } : value;
}

module.exports = {
  CALLERS,
  FRAMEWORK_CUSTOM,
  HARMLESS,
  HAS_QUALIFIER,
  INVOKES,
  KEEPS_NAMES,
  POLICIES,
  SUBSTITUTIONS,
  changeAt,
  isCustomResource,
};
