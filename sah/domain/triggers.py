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
}


def trigger_kind(service: str) -> str:
    """Name a service as people do: ``sns.amazonaws.com`` or ``sns`` gives ``SNS``."""
    key = service.removesuffix(".amazonaws.com").split(".")[0]
    return _KINDS.get(key, key or "unknown")


def parse_policy(
    function: str, qualifier: str, statements: Iterable[Mapping[str, object]]
) -> tuple[Trigger, ...]:
    """Read the triggers out of a resource policy's statements (aws-facts 8).

    Only statements that allow invoking count. The qualifier is that of the
    statement's own resource where it has one, else that of the policy.
    """
    triggers = []
    for statement in statements:
        if statement.get("Effect") != "Allow" or not _allows_invoke(statement.get("Action")):
            continue
        arn = find_function_arn(str(statement.get("Resource", "")))
        principal = _principal(statement.get("Principal"))
        triggers.append(
            Trigger(
                function=function,
                kind=_principal_kind(principal, statement),
                source=_source_of(statement.get("Condition")) or principal,
                qualifier=(arn.qualifier if arn else "") or qualifier,
                origin=TriggerOrigin.POLICY,
            )
        )
    return tuple(triggers)


def _allows_invoke(action: object) -> bool:
    actions = action if isinstance(action, list) else [action]
    allowed = {
        "lambda:InvokeFunction",
        "lambda:InvokeFunctionUrl",
        "lambda:Invoke*",
        "lambda:*",
        "*",
    }
    return any(str(a) in allowed for a in actions)


def _principal(principal: object) -> str:
    if isinstance(principal, Mapping):
        values = list(principal.values())
        value = values[0] if values else ""
        return str(value[0] if isinstance(value, list) and value else value)
    return str(principal or "")


def _principal_kind(principal: str, statement: Mapping[str, object]) -> str:
    if "FunctionUrl" in str(statement.get("Action")):
        return "Function URL"
    if principal.endswith(".amazonaws.com"):
        return trigger_kind(principal)
    return "Account" if principal != "*" else "Anyone"


def _source_of(condition: object) -> str:
    if not isinstance(condition, Mapping):
        return ""
    for test in condition.values():
        if isinstance(test, Mapping):
            for key, value in test.items():
                if str(key).lower() == "aws:sourcearn":
                    return str(value[0] if isinstance(value, list) and value else value)
    return ""
