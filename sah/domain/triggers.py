"""What may start a function, and through which qualifier, so that by-passes are seen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sah.domain.arns import find_function_arn


class TriggerOrigin(StrEnum):
    """Where SAH saw the trigger."""

    POLICY = "policy"
    MAPPING = "mapping"


@dataclass(frozen=True, slots=True)
class Trigger:
    """One thing that starts a function.

    ``kind`` is a short name such as ``API Gateway`` or ``SQS``; ``source`` its ARN
    or principal; ``qualifier`` the version or alias that it targets, empty when it
    targets the function itself, which means ``$LATEST``.
    """

    function: str
    kind: str
    source: str
    qualifier: str
    origin: TriggerOrigin
    enabled: bool = True

    def follows(self, alias: str) -> bool:
        """Say whether moving ``alias`` changes what this trigger starts."""
        return self.qualifier == alias


_KINDS = {
    "apigateway": "API Gateway",
    "events": "EventBridge",
    "scheduler": "EventBridge Scheduler",
    "sns": "SNS",
    "s3": "S3",
    "sqs": "SQS",
    "dynamodb": "DynamoDB stream",
    "kinesis": "Kinesis",
    "kafka": "Kafka",
    "mq": "Amazon MQ",
    "logs": "CloudWatch Logs",
    "cognito-idp": "Cognito",
    "elasticloadbalancing": "Load balancer",
    "iot": "IoT",
    "alexa-appkit": "Alexa",
    "alexa-connectedhome": "Alexa",
    "lex": "Lex",
    "lambda": "Lambda",
    "ses": "SES",
    "config": "Config",
    "codepipeline": "CodePipeline",
    "secretsmanager": "Secrets Manager",
    "cloudformation": "CloudFormation",
    "states": "Step Functions",
    "appsync": "AppSync",
    "bedrock": "Bedrock",
    "edgelambda": "Lambda@Edge",
    "replicator.lambda": "Lambda@Edge",
    "lambda.alarms.cloudwatch": "CloudWatch alarm",
}


_INVOKING = frozenset(
    {"lambda:InvokeFunction", "lambda:InvokeFunctionUrl", "lambda:Invoke*", "lambda:*", "*"}
)


def trigger_kind(service: str) -> str:
    """Name a service as people do: ``sns.amazonaws.com`` or ``sns`` gives ``SNS``."""
    name = service.removesuffix(".amazonaws.com")
    first = name.split(".")[0]
    return _KINDS.get(name) or _KINDS.get(first) or first or "unknown"


def parse_policy(
    function: str, qualifier: str, statements: Iterable[Mapping[str, object]]
) -> tuple[Trigger, ...]:
    """Read the triggers out of a resource policy's statements (aws-facts 8).

    Only statements that allow invoking count, and two that say the same count once.
    The qualifier is that of the statement's own resource where it has one, else
    that of the policy.
    """
    triggers = (
        _parse_statement(function, qualifier, statement)
        for statement in statements
        if statement.get("Effect") == "Allow" and _allows_invoke(statement.get("Action"))
    )
    return tuple(dict.fromkeys(triggers))


def _parse_statement(function: str, qualifier: str, statement: Mapping[str, object]) -> Trigger:
    arn = find_function_arn(str(statement.get("Resource", "")))
    principal = _principal(statement.get("Principal"))
    conditions = _conditions(statement.get("Condition"))
    return Trigger(
        function=function,
        kind=_principal_kind(principal, statement.get("Action"), conditions),
        source=conditions.get("aws:sourcearn") or principal,
        qualifier=(arn.qualifier if arn else "") or qualifier,
        origin=TriggerOrigin.POLICY,
    )


def _allows_invoke(action: object) -> bool:
    actions = action if isinstance(action, list) else [action]
    return any(str(each) in _INVOKING for each in actions)


def _principal(principal: object) -> str:
    if isinstance(principal, Mapping):
        return _first(next(iter(principal.values()), ""))
    return _first(principal)


def _principal_kind(principal: str, action: object, conditions: Mapping[str, str]) -> str:
    # A function URL needs two permissions: to call the URL, and to invoke through it.
    if "FunctionUrl" in str(action) or "lambda:invokedviafunctionurl" in conditions:
        return "Function URL"
    if principal.endswith(".amazonaws.com"):
        return trigger_kind(principal)
    return "Account" if principal != "*" else "Anyone"


def _conditions(condition: object) -> dict[str, str]:
    """Flatten ``{test: {key: value}}``; IAM does not care about the case of a key."""
    tests = condition.values() if isinstance(condition, Mapping) else ()
    return {
        str(key).lower(): _first(value)
        for test in tests
        if isinstance(test, Mapping)
        for key, value in test.items()
    }


def _first(value: object) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return str(value or "")
